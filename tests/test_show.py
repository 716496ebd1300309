"""``mmegopose show``: which file is written, of what, and what is refused."""
import os
import webbrowser
from dataclasses import replace

import cv2
import numpy as np
import pytest
from helpers.page_motions import turning_hand, walking
from helpers.page_values import read_page, read_points
from helpers.video_files import numbered_frames, write_video

from mmegopose.cli import main


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    walking(30).save('walk.npz')
    return tmp_path


def run(capsys, *command):
    try:
        status = main(['show', *map(str, command)])
    except SystemExit as left:
        status = left.code
    out, err = capsys.readouterr()
    return status, out + err


def test_the_page_lies_beside_the_result(capsys, here, monkeypatch):
    status, told = run(capsys, 'walk.npz')
    assert status == 0 and f'Wrote {here}/walk.html (0.0' in told and read_page(here / 'walk.html')['title'] == 'walk'
    assert run(capsys, 'walk.npz')[0] == 0                         # the page of the same result
    opened = []
    monkeypatch.setattr(webbrowser, 'open', lambda address: opened.append(address) or True)
    (here / 'pages').mkdir()
    assert run(capsys, 'walk.npz', '--out', 'pages', '--open')[0] == 0 and opened == [f'file://{here}/pages/walk.html']


def test_other_files_are_written_over_only_on_request(capsys, here):
    walking(9).save('other.npz')
    (here / 'notes.html').write_text('mine')
    run(capsys, 'other.npz', '--out', 'page.html')
    for file, told in (('page.html', 'is the page of other results'), ('notes.html', 'is no page')):
        before = (here / file).read_bytes()
        status, text = run(capsys, 'walk.npz', '--out', file)
        assert status == 2 and told in text and '--overwrite' in text and (here / file).read_bytes() == before
        assert run(capsys, 'walk.npz', '--out', file, '--overwrite')[0] == 0 and (here / file).read_bytes() != before


def test_the_truth_is_that_of_the_person(capsys, here):
    replace(walking(30, start=2), person='Ben').save('ben.npz')
    walking(30, start=0.1).save('truth.npz')
    status, told = run(capsys, 'walk.npz', 'ben.npz', '--truth', 'truth.npz', '--out', 'p.html')
    assert status == 0 and 'mean error: Ana 10.0 cm.' in told
    assert ['truth' in person for person in read_page(here / 'p.html')['people']] == [True, False]
    status, told = run(capsys, 'walk.npz', 'walk.npz', '--truth', 'truth.npz', '--out', 'q.html')
    assert status == 0 and 'walk (1) 10.0 cm, walk (2) 10.0 cm' in told     # two models of one person
    status, told = run(capsys, 'walk.npz', 'ben.npz', '--truth', 'truth.npz', 'ben.npz', '--out', 'r.html')
    assert status == 0 and 'Ben 0.0 cm' in told
    replace(walking(30), person='Cy').save('cy.npz')
    assert "--truth is of 'Cy'" in run(capsys, 'walk.npz', 'ben.npz', '--truth', 'cy.npz', '--out', 's.html')[1]


def test_a_truth_that_ends_sooner_is_told(capsys, here):
    walking(30)[:16].save('truth.npz')
    status, told = run(capsys, 'walk.npz', '--truth', 'truth.npz')
    assert status == 0 and 'The truth is known for 0.5 of 1.0 s' in told
    assert any('known for 0.5 of 1.0 s' in note for note in read_page(here / 'walk.html')['notes'])


def test_the_video_of_the_recording_is_found(capsys, here):
    write_video(here / 'demo.mp4', numbered_frames(30))
    keypoints = np.tile(np.linspace(5, 40, 17)[:, None], (30, 1, 2))
    motion = replace(walking(30), keypoints=keypoints, image_size=(64, 48), provenance=dict(
        recording=str(here / 'demo.mp4'), fps=30.0))
    motion.save('demo_0.npz')
    status, told = run(capsys, 'demo_0.npz')
    assert status == 0 and f'{here}/demo.mp4 is shown in it' in told
    data = read_page(here / 'demo_0.html')
    np.testing.assert_allclose(read_points(data['picture']['times'], (-1,)), np.arange(0, 30, 2) / 30, atol=1e-3)
    assert data['title'] == 'demo.mp4'
    os.rename('demo.mp4', 'moved.mp4')
    status, told = run(capsys, 'demo_0.npz')
    assert status == 0 and 'demo.mp4 is no longer where it was' in told
    assert not read_page(here / 'demo_0.html')['picture']['frames']          # the keypoints remain
    assert run(capsys, 'demo_0.npz', '--video', 'moved.mp4')[0] == 0
    assert len(read_page(here / 'demo_0.html')['picture']['frames']) == 15
    slow = replace(motion, time=motion.time * 3, provenance=dict(recording=str(here / 'moved.mp4'), fps=10.0))
    slow.save('slow.npz')                                                    # predicted with --fps 10
    run(capsys, 'slow.npz')
    assert read_points(read_page(here / 'slow.html')['picture']['times'], (-1,))[-1] == pytest.approx(2.9)


def test_a_picture_stands_beside_its_hand(capsys, here):
    cv2.imwrite('hand.png', np.zeros((60, 80, 3), np.uint8))
    replace(turning_hand(1), provenance=dict(recording=str(here / 'hand.png'))).save('hand.npz')
    assert run(capsys, 'hand.npz')[0] == 0 and len(read_page(here / 'hand.html')['picture']['frames']) == 1


@pytest.mark.parametrize('name, first', [('film.gif', b'GIF89a'), ('figure.png', b'\x89PNG')])
def test_films_and_figures(capsys, here, name, first):
    status, told = run(capsys, 'walk.npz', '--out', name)
    assert status == 0 and f'Wrote {name}' in told and (here / name).read_bytes().startswith(first)
    assert 'is no file that tells what it is of' in run(capsys, 'walk.npz', '--out', name)[1]


@pytest.mark.parametrize('command, message', [
    (['none.npz'], 'none.npz is missing'), (['walk.npz', '--out', 'walk.npz'], 'should end in .html'),
    (['walk.npz', '--out', 'page.txt'], 'should end in .html'), (['broken.npz'], 'broken.npz'),
    (['walk.npz', '--truth', 'broken.npz'], 'broken.npz'), (['walk.npz', '--truth', 'hand.npz'], 'truth is relative'),
    (['walk.npz', '--video', 'none.mp4'], 'none.mp4'), (['walk.npz', '--video', 'broken.mp4'], 'cannot be opened'),
    (['hole.npz'], 'no valid pose'), (['walk.npz', 'hand.npz'], 'to the camera'),
    (['walk.npz', '--truth', 'walk.npz', 'walk.npz'], '2 files for 1 results')])
def test_mistakes_are_one_line(capsys, here, command, message):
    turning_hand(3).save('hand.npz')
    replace(walking(3), valid=np.zeros((3, 17), bool)).save('hole.npz')
    (here / 'broken.npz').write_text('no')
    (here / 'broken.mp4').write_text('no')
    status, told = run(capsys, *command)
    assert status == 2 and message in told and told.count('\n') == 1
    assert not list(here.glob('*.html'))


def test_a_full_disk_is_told(capsys, here, monkeypatch):
    monkeypatch.setattr(os, 'fsync', lambda _: (_ for _ in ()).throw(OSError(28, 'No space left on device')))
    status, told = run(capsys, 'walk.npz')
    assert status == 2 and 'No space left on device' in told and not list(here.glob('*html*'))


@pytest.mark.parametrize('recording', [['a'], 'a\0b.mp4', '$\\foo$ 名前.mp4', 5])
def test_any_recording_is_a_title(capsys, here, recording):
    replace(walking(3), provenance=dict(recording=recording), person='$\\foo$').save('walk.npz')
    for name in ('a.html', 'a.png'):
        status, told = run(capsys, 'walk.npz', '--out', name)
        assert status == 0 and 'Glyph' not in told


def test_a_folder_is_no_result(capsys, here):
    (here / 'results').mkdir()
    status, told = run(capsys, 'results')
    assert status == 2 and told.startswith(f'error: {here}/results is a folder: name a file')
