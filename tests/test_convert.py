"""``mmegopose convert``: from results to files of other programs."""
import json

import numpy as np
import pytest
from helpers.written_motions import holes, real_motion

from mmegopose.cli import main


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    holes().save('walk_0.npz')
    real_motion(person='second').save('walk_1.npz')
    return tmp_path


def test_a_result_becomes_a_file_and_what_is_lost_is_told(here, capsys):
    assert main(['convert', 'walk_0.npz', 'walk.bvh', '--unit', 'm', '--start', '0.5', '--stop', '4']) == 0
    told = capsys.readouterr().out
    assert told.startswith('Wrote walk.bvh.\n  lengths are in m, y is up\n') and '20 frames without a pose' in told
    assert 'Frames: 105' in (here / 'walk.bvh').read_text()


def test_people_go_into_one_file_or_into_their_own(here, capsys):
    assert main(['convert', 'walk_0.npz', 'walk_1.npz', 'both.json', '--fps', '10']) == 0
    people = json.loads((here / 'both.json').read_text())['people']
    assert [(person['person'], len(person['time'])) for person in people] == [('walker', 67), ('second', 67)]
    assert main(['convert', 'walk_0.npz', 'walk_1.npz', 'both.trc']) == 0
    assert 'Wrote both_walker.trc, both_second.trc.' in capsys.readouterr().out


@pytest.mark.parametrize('words, message', [
    ('walk_0.npz walk.bhv', 'no known format; nearest: bvh'), ('nobody.npz walk.bvh', 'nobody.npz is missing'),
    ('walk_0.npz walk_0.npz --overwrite', 'walk_0.npz is the input itself'),
    ('walk_0.npz there.csv', 'there.csv is there already'), ('there.csv walk.bvh', 'there.csv'),
    ('walk_0.npz walk.obj --time 99', 'nothing to write'), ('walk_0.npz walk.csv --fps 0', 'fps should be positive'),
    ('walk_0.npz walk.csv --skeleton elephant', "unknown skeleton 'elephant'"),
    ('walk_0.npz walk.npz --format amass', 'no parameters of SMPL')])
def test_a_mistake_is_one_line(here, capsys, words, message):
    (here / 'there.csv').write_text('mine')
    with pytest.raises(SystemExit) as error:
        main(['convert', *words.split()])
    told = capsys.readouterr().err
    assert error.value.code == 2 and told.count('\n') == 1 and message in told
    assert sorted(file.name for file in here.iterdir()) == ['there.csv', 'walk_0.npz', 'walk_1.npz']
    assert np.load(here / 'walk_0.npz')['joints'].shape == (200, 17, 3)


def test_the_input_stays_where_all_other_people_are_left_out(here):
    real_motion(person='late')[150:].save('late.npz')
    before = (here / 'late.npz').read_bytes()
    with pytest.raises(SystemExit):
        main(['convert', 'walk_0.npz', 'late.npz', 'late.npz', '--start', '6.6', '--overwrite'])
    assert (here / 'late.npz').read_bytes() == before


def test_a_link_to_itself_is_a_place(here, capsys):
    (here / 'loop.csv').symlink_to('loop.csv')
    with pytest.raises(SystemExit):
        main(['convert', 'loop.csv', 'walk.csv'])
    assert 'loop.csv is missing' in capsys.readouterr().err
    assert main(['convert', 'walk_0.npz', 'loop.csv']) == 0


def test_ctrl_c_leaves_nothing_and_is_one_word(here, capsys, monkeypatch):
    monkeypatch.delenv('MMEGOPOSE_TRACEBACK', raising=False)

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr('os.fsync', stop)
    with pytest.raises(SystemExit) as left:
        main(['convert', 'walk_0.npz', 'walk.csv'])
    assert left.value.code == 130 and capsys.readouterr().err == 'stopped\n'
    assert sorted(path.name for path in here.iterdir()) == ['walk_0.npz', 'walk_1.npz']
