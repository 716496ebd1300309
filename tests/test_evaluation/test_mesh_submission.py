import json
import zipfile

import numpy as np
import pytest
from helpers.hand_samples import flat_hands, shrink_challenges

from mmegopose.evaluation.submissions.hand_file import (
    CHALLENGES,
    MANO_ORDER,
    read_hand_submission,
    validate_hand_submission,
    write_hand_submission,
)
from mmegopose.files import BadFile

FROM_MANO = [0, 13, 14, 15, 16, 1, 2, 3, 17, 4, 5, 6, 18, 10, 11, 12, 19, 7, 8, 9, 20]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    shrink_challenges(monkeypatch)


@pytest.fixture(scope='module')
def hands():
    return flat_hands()


def test_sizes_of_the_challenges(monkeypatch):
    monkeypatch.undo()
    assert {name: c.num_samples for name, c in CHALLENGES.items()} == dict(freihand=3960, ho3d_v2=11524, ho3d_v3=20137)


@pytest.mark.parametrize('suffix', ['json', 'zip'])
@pytest.mark.parametrize('challenge', sorted(CHALLENGES))
def test_round_trip(hands, tmp_path, challenge, suffix):
    path = tmp_path / 'new' / f'pred.{suffix}'
    write_hand_submission(*hands, path, challenge)
    assert [p.name for p in path.parent.iterdir()] == [f'pred.{suffix}']
    if suffix == 'zip':
        with zipfile.ZipFile(path) as archive:
            assert archive.namelist() == ['pred.json']
    submission = read_hand_submission(path)
    assert validate_hand_submission(submission, challenge) == []
    joints, vertices = map(np.array, submission)
    if challenge != 'freihand':
        joints, vertices = joints[:, FROM_MANO] * [1, -1, -1], vertices * [1, -1, -1]
    assert np.abs(joints - hands[0]).max() < 1e-6 and np.abs(vertices - hands[1]).max() < 1e-6
    assert np.array_equal(joints, np.round(joints, 6))


def test_mano_order_is_that_of_ho3d():
    fingers, chains = ('thumb', 'index', 'middle', 'ring', 'pinky'), ('index', 'middle', 'pinky', 'ring', 'thumb')
    names = ['wrist', *(f'{finger}{i}' for finger in fingers for i in range(4))]
    expected = ['wrist', *(f'{finger}{i}' for finger in chains for i in range(3)),
                *(f'{finger}3' for finger in fingers)]
    assert [names[joint] for joint in MANO_ORDER] == expected
    assert [MANO_ORDER[joint] for joint in FROM_MANO] == list(range(21))


def test_writer_refuses(hands, tmp_path):
    joints, vertices = hands
    path = tmp_path / 'pred.json'
    with pytest.raises(ValueError, match=r'vertices should be \(n,778,3\).*6 samples, got \(5, 778, 3\)'):
        write_hand_submission(joints, vertices[:5], path, 'freihand')
    with pytest.raises(ValueError, match=r'joints should be \(n,21,3\)'):
        write_hand_submission(joints[:, :16], vertices, path, 'freihand')
    broken = vertices.copy()
    broken[4, 7] = np.nan
    with pytest.raises(ValueError, match=r'vertices are not finite in 1 sample \(4\)'):
        write_hand_submission(joints, broken, path, 'freihand')
    with pytest.raises(KeyError, match='ho3d_v2'):
        write_hand_submission(joints, vertices, path, 'ho3d')
    with pytest.raises(ValueError, match='.json or a .zip'):
        write_hand_submission(joints, vertices, tmp_path / 'pred.pkl', 'freihand')
    assert not list(tmp_path.iterdir())


def test_interrupted_write_leaves_the_old_file(hands, tmp_path, monkeypatch):
    for name in ('pred.json', 'pred.zip'):
        path = tmp_path / name
        write_hand_submission(*hands, path, 'freihand')
        before = path.read_bytes()
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(np, 'round', lambda *args: (_ for _ in ()).throw(KeyboardInterrupt))
            write_hand_submission(*hands, path, 'freihand')
        assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 2


def test_all_problems_are_listed(hands):
    joints, vertices = (array.tolist() for array in hands)
    joints[1] = joints[1][:20]
    joints[2][3] = [1, 2]
    joints[4][0][0] = 'x'
    vertices[3][5][2] = float('nan')
    vertices[5] = np.zeros((778, 3)).tolist()
    assert validate_hand_submission([joints, vertices[1:]], 'freihand') == [
        'joints: values that are not numbers in 1 sample (4)',
        'joints: poses that are not 21 x 3 in 2 samples (1, 2)',
        'vertices: 5 samples; freihand has 6',
        'vertices: NaN or infinite coordinates in 1 sample (2)',
        'vertices: all vertices at zero in 1 sample (4)']


@pytest.mark.parametrize('factor,unit', [(1000, 'millimetres'), (100, 'centimetres')])
def test_units(hands, factor, unit):
    problems = validate_hand_submission([part * factor for part in hands], 'freihand')
    assert len(problems) == 2 and all(f'looks like {unit}' in text and str(factor) in text for text in problems)


def test_the_size_of_a_hand_is_not_how_far_it_is(hands):
    far = [part + np.array([3, 2, 20]) for part in hands]
    assert validate_hand_submission(far, 'freihand') == []
    many = [np.tile(part, (100, 1, 1)) for part in far]
    assert validate_hand_submission(many, 'freihand') == [f'{name}: 600 samples; freihand has 6'
                                                          for name in ('joints', 'vertices')]


def test_axes_and_order(hands):
    joints, vertices = hands
    opengl = np.array([1, -1, -1])
    assert validate_hand_submission([joints * opengl, vertices], 'freihand') == [
        'joints: behind the camera in 6 samples (0, 1, 2, 3, 4, ...): the axes must be those of OpenCV (z > 0)']
    problems = validate_hand_submission([joints, vertices * opengl], 'ho3d_v3')
    assert len(problems) == 2
    assert problems[0].endswith('must be those of OpenGL (z < 0)')
    assert problems[1] == "joints: the order of the joints should be MANO's, but looks like FreiHAND's"
    assert validate_hand_submission([joints[:, list(MANO_ORDER)], vertices], 'freihand') == [
        "joints: the order of the joints should be FreiHAND's, but looks like MANO's"]
    joints = joints.copy()
    joints[0] = 100 * joints[0, list(MANO_ORDER)]  # one hand, however large, is not the order of the others
    assert validate_hand_submission([joints, vertices], 'freihand') == []


@pytest.mark.parametrize('submission', [[], [[]], [{}, {}], [[], [], []]])
def test_wrong_nesting(submission):
    assert 'list of two lists' in validate_hand_submission(submission, 'freihand')[0]


def test_empty_submission(tmp_path):
    write_hand_submission(np.zeros((0, 21, 3)), np.zeros((0, 778, 3)), tmp_path / 'pred.json', 'freihand')
    assert read_hand_submission(tmp_path / 'pred.json') == [[], []]
    assert validate_hand_submission([[], []], 'freihand') == ['joints: 0 samples; freihand has 6',
                                                              'vertices: 0 samples; freihand has 6']


def test_unreadable_files(tmp_path):
    path = tmp_path / 'pred.json'
    for content in ('[[', '{}'):
        path.write_text(content)
        with pytest.raises(BadFile, match='pred.json'):
            read_hand_submission(path)
    path = tmp_path / 'pred.zip'
    path.write_text('no archive')
    with pytest.raises(BadFile, match='no zip archive'):
        read_hand_submission(path)
    many = [f'{i}.json' for i in range(9)]
    for names, content, message in ((['results/pred.json'], [], 'top level'), (['pred.json'], {}, 'JSON list'),
                                    (many, [], "'3.json', '4.json']")):
        with zipfile.ZipFile(path, 'w') as archive:
            for name in names:
                archive.writestr(name, json.dumps(content))
        with pytest.raises(BadFile, match=message):
            read_hand_submission(path)
