"""Rendered takes: every file where the official layout has it, and pictures that show what the labels say."""
import json
import shutil

import cv2
import numpy as np
import pytest

from mmegopose.cli import main
from mmegopose.datasets.readers.head_pose.egoexo4d_body import read_egoexo4d_body
from mmegopose.geometry.cameras import FisheyeRadTanThinPrism, undistortion_map
from mmegopose.synthesis.egocentric import write_egoexo4d_sample

FRAMES, SIDE, FISHEYE = 10, 160, 400


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp('rendered') / 'takes'
    assert len(list(write_egoexo4d_sample(folder, 3, FRAMES, SIDE, fisheye_size=FISHEYE))) == 3
    return folder


def read(path):
    return json.loads(path.read_text())


def by_split(root):
    return {take['take_name'].split('_')[1]: take for take in read(root / 'takes.json')}


def video(root, take):
    path = take['frame_aligned_videos']['aria01']['rgb']['relative_path']
    file, frames = cv2.VideoCapture(str(root / take['root_dir'] / path)), []
    while (got := file.read())[0]:
        frames.append(got[1])
    return frames


def picture(root, split, take, frame):
    return cv2.imread(str(root / 'image' / 'undistorted' / split / take['take_name'] / f'{frame:06d}.jpg'))


def test_every_file_is_where_the_official_layout_has_it(root):
    takes = by_split(root)
    assert set(takes) == {'train', 'val', 'test'}
    for split, take in takes.items():
        base, uid = root / 'annotations' / 'ego_pose' / split, take['take_uid']
        labels = {f'{path.parent.parent.name}/{path.parent.name}' for path in base.glob(f'*/*/{uid}.json')}
        assert labels == (set() if split == 'test' else {'body/annotation', 'body/automatic', 'hand/annotation',
                                                         'hand/automatic'})
        assert len(list((root / 'image' / 'undistorted' / split / take['take_name']).iterdir())) == FRAMES
        assert len(video(root, take)) == FRAMES
    uid = takes['test']['take_uid']
    assert set(read(root / 'dummy_test.json')[uid]['body']) == {'0', '3', '6', '9'}
    hands, truth = read(root / 'ego_pose_gt_anno_test_public.json')[uid], read(root / 'private_hand_test_gt.json')[uid]
    assert set(hands) == set(truth) and set(hands['0']) == {'right_hand_bbox', 'left_hand_bbox', 'metadata'}
    store = read_egoexo4d_body(str(root), 'val')
    assert len(store) == 1 and store.sequences[0]['uid'] == takes['val']['take_uid']


def test_labels_lie_on_the_hands_in_the_picture(root):
    """A hand hides the room: pictures of the same camera differ most around its joints."""
    take = by_split(root)['train']
    base = root / 'annotations' / 'ego_pose' / 'train'
    camera = read(base / 'camera_pose' / f'{take["take_uid"]}.json')['aria01']
    labels = read(base / 'hand' / 'annotation' / f'{take["take_uid"]}.json')
    intrinsics, seen = np.array(camera['camera_intrinsics']), 0
    for frame, (entry,) in labels.items():
        matrix, image = np.array(camera['camera_extrinsics'][frame]), picture(root, 'train', take, int(frame))
        for name, place in entry['annotation2D']['aria01'].items():
            joint = entry['annotation3D'][name]
            x, y, z = intrinsics @ (matrix @ [joint['x'], joint['y'], joint['z'], 1])
            assert abs(x / z - place['x']) < 2e-3 and abs(y / z - place['y']) < 2e-3
        for side in ('right', 'left'):  # a palm has one colour, that of skin: red over blue
            place = entry['annotation2D']['aria01'].get(f'{side}_middle_1')
            if place:
                color = image[round(place['y']), round(place['x'])].astype(int)
                seen += color[2] > color[0] + 5
    assert seen >= 4


def test_undistorted_the_fisheye_shows_the_picture_of_the_pinhole(root):
    take = by_split(root)['train']
    projection = read(root / 'aria_calib_json' / f'{take["take_name"]}.json')['CameraCalibrations'][0]['Projection']
    assert projection['Name'] == 'FisheyeRadTanThinPrism'
    pinhole = (150 * SIDE / 512, 150 * SIDE / 512, (SIDE - 1) / 2, (SIDE - 1) / 2)
    where = undistortion_map(FisheyeRadTanThinPrism(projection['Params']), (FISHEYE, FISHEYE), pinhole, (SIDE, SIDE))
    upright = video(root, take)[5]
    assert upright.shape == (FISHEYE, FISHEYE, 3)
    landscape = np.ascontiguousarray(np.rot90(upright))
    found = cv2.remap(landscape, where[..., 0], where[..., 1], cv2.INTER_LINEAR).astype(float)
    middle = np.s_[25:-25, 25:-25]
    errors = [np.abs(found - picture(root, 'train', take, frame))[middle].mean() for frame in (5, 0)]
    assert errors[0] < 6 and errors[0] < errors[1] / 2
    shown = np.ascontiguousarray(np.rot90(video(root, by_split(root)['val'])[5])).astype(float)
    assert np.abs(shown - picture(root, 'val', by_split(root)['val'], 5)).mean() < 6


def test_the_preparation_makes_of_the_film_what_lies_beside_it(tmp_path, capsys):
    """Labels pass all checks of the official tool, and the undistorted film is the picture of the pinhole."""
    root, out = tmp_path / 'sample', tmp_path / 'prepared'
    list(write_egoexo4d_sample(root, 3, 4))
    shutil.copytree(root / 'aria_calib_json', out / 'aria_calib_json')
    assert main(['prepare', 'egoexo4d-hand', '--root', str(root), '--out', str(out), '--splits', 'train', '--workers',
                 '1']) == 0
    name = 'annotation/manual/ego_pose_gt_anno_train_public.json'
    made, given = read(out / name), read(root / name)
    (uid, frames), = given.items()
    assert set(made[uid]) == set(frames) == {'0', '3'}
    for frame, entry in frames.items():
        image, wanted = (cv2.imread(str(next(folder.glob(f'image/undistorted/train/*/{int(frame):06d}.jpg'))))
                         for folder in (out, root))
        assert np.abs(image.astype(float) - wanted)[80:-80, 80:-80].mean() < 4
        for key in (key for key in entry if key != 'metadata'):
            np.testing.assert_allclose(np.array(made[uid][frame][key], float), np.array(entry[key], float), atol=2e-2)


def test_equal_seeds_give_equal_labels_and_mistakes_are_told(root, tmp_path, capsys):
    list(write_egoexo4d_sample(tmp_path / 'again', 3, FRAMES, 16, num_fisheye=0))
    assert not (tmp_path / 'again' / 'aria_calib_json').exists()
    name = next((root / 'annotations' / 'ego_pose' / 'val' / 'body' / 'automatic').iterdir()).relative_to(root)
    places = [[rater[0]['annotation3D'] for rater in read(folder / name).values()]
              for folder in (root, tmp_path / 'again')]
    assert places[0] == places[1]
    for arguments, told in ((['--takes', '2'], '2 takes'), (['--frames', '1000'], '1000 frames'),
                            (['--size', '0'], 'size'), (['--seed', '-1'], 'seed=-1'),
                            (['--fisheye', '-1'], 'num_fisheye=-1'), (['--out', ''], 'name of a new folder'),
                            (['--out', '.'], 'name of a new folder'),
                            (['--out', str(root)], 'exists and is not an empty folder')):
        with pytest.raises(SystemExit) as left:
            main(['synthesize', '--out', str(tmp_path / 'new'), *arguments])
        assert left.value.code == 2 and told in capsys.readouterr().err
    assert not (tmp_path / 'new').exists()
