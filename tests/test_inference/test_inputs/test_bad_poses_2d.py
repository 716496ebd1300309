"""Bad input of every reader of 2D poses: one clear line that names the place, or a marked hole."""
import json
import shutil

import numpy as np
import pytest
from helpers import pose_files as files
from helpers.pose_files import NUM_FRAMES, SIZE, people
from test_inference.test_inputs.test_poses_2d import FOR, READ

from mmegopose.files import BadFile
from mmegopose.inference.inputs.poses_2d import (
    Collector,
    collect_frames,
    read_alphapose,
    read_coco,
    read_mediapipe,
    read_mmpose,
    read_openpose,
    read_poses_2d,
    read_ultralytics,
)

K, S, THERE, SEEN = people()
FOLDERS = ('openpose', 'ultralytics')


@pytest.mark.parametrize('name', READ)
def test_a_file_that_is_cut_off(name, tmp_path):
    write, options, _ = READ[name]
    path = write(tmp_path)
    file = sorted(path.iterdir())[3] if path.is_dir() else path
    content = file.read_bytes()
    file.write_bytes(content[:len(content) // 2])
    with pytest.raises(BadFile, match='cut off|no JSON|lines have|not readable') as error:
        read_poses_2d(path, name, **options)
    assert str(path) in str(error.value)


@pytest.mark.parametrize('name', READ)
def test_a_file_of_something_else(name, tmp_path):
    write, options, _ = READ[name]
    path = write(tmp_path)
    target = sorted(path.iterdir())[0] if path.is_dir() else path
    for content in (b'', b'hello', b'{"a": 1}', b'[1, 2]', b'[{"a": 1}]', bytes(range(256))):
        target.write_bytes(content)
        if name == 'ultralytics' and content == b'':
            continue  # an empty file: nobody in the frame
        with pytest.raises(BadFile):
            read_poses_2d(path, name, **options)
    with pytest.raises(FileNotFoundError):
        read_poses_2d(tmp_path / 'none.json', name)
    (tmp_path / 'empty').mkdir()
    with pytest.raises(BadFile, match='looks like no known'):
        read_poses_2d(tmp_path / 'empty')
    with pytest.raises(KeyError, match="unknown format 'dlc'"):
        read_poses_2d(tmp_path, 'dlc')


def nobody(name, folder):
    """A file of the format with no person at all."""
    none = np.zeros_like(THERE)
    if name == 'npz':
        return files.write_npz(folder / 'a.npz', K, S, none, SEEN)
    if name == 'openpose':
        return files.write_openpose(folder / 'op', *FOR['openpose'][:2], none, SEEN)
    if name == 'mediapipe':
        return files.write_mediapipe(folder / 'a.json', *FOR['mediapipe'][:2], none)
    if name == 'videopose3d':
        return files.write_detectron(folder / 'a.npz', K, S, none)
    write = dict(mmpose=files.write_mmpose, alphapose=files.write_alphapose, coco=files.write_coco_results,
                 ultralytics_json=files.write_ultralytics_json)[name]
    return write(folder / 'a.json', K, S, none, SEEN)


@pytest.mark.parametrize('name', [name for name in READ if name != 'ultralytics'])
def test_nobody_at_all(name, tmp_path):
    options = {'num_frames': NUM_FRAMES} if name in ('alphapose', 'coco') else {}
    options |= {'image_size': SIZE} if name == 'mediapipe' else {}
    poses = read_poses_2d(nobody(name, tmp_path), name, **options)
    assert len(poses) == 0 and poses.num_frames == NUM_FRAMES and poses.num_people == 0
    assert '0 detections' in poses.describe() and len(poses.convert('h36m17')) == 0


@pytest.mark.parametrize('name', READ)
def test_one_frame(name, tmp_path):
    one = tuple(values[:1] for values in people())
    write = dict(
        npz=lambda: files.write_npz(tmp_path / 'a.npz', *one),
        mmpose=lambda: files.write_mmpose(tmp_path / 'a.json', *one),
        openpose=lambda: files.write_openpose(tmp_path / 'op', *(v[:1] for v in FOR['openpose'])),
        alphapose=lambda: files.write_alphapose(tmp_path / 'a.json', *one),
        coco=lambda: files.write_coco_results(tmp_path / 'a.json', *one),
        mediapipe=lambda: files.write_mediapipe(tmp_path / 'a.json', *(v[:1] for v in FOR['mediapipe'][:3])),
        ultralytics=lambda: files.write_ultralytics(tmp_path / 'y', *one),
        ultralytics_json=lambda: files.write_ultralytics_json(tmp_path / 'a.json', *one),
        videopose3d=lambda: files.write_videopose3d(tmp_path / 'a.npz', one[0], one[2]))[name]
    options = {'image_size': SIZE} if name in ('mediapipe', 'ultralytics') else {}
    poses = read_poses_2d(write(), name, **options)
    assert poses.num_frames == 1 and len(poses) >= 1


def edited(path, change):
    content = json.loads(path.read_text())
    path.write_text(json.dumps(change(content)))
    return path


@pytest.mark.parametrize('change, message', [
    (lambda c: [dict(c[0], instances=[dict(a=1)]), *c[1:]], 'frame 0: an instance should have keypoints'),
    (lambda c: [dict(c[0], instances=[dict(keypoints=[[1, 'x']])])], 'frame 0: keypoints should be numbers'),
    (lambda c: [dict(c[0], instances=[dict(keypoints=[1, 2, 3])])], 'rows of x, y'),
    (lambda c: [dict(c[0], instances=[dict(keypoints=[[1, 2]], keypoint_scores=[1, 1])])], '1 keypoints, but 2 conf'),
    (lambda c: [*c[:3], dict(c[3], instances=[dict(keypoints=[[1, 2]] * 16)])], 'frame 3 has 16 .* before have 17'),
    (lambda c: [dict(entry, frame_id=1) for entry in c[:4]], '4 entries have frame_id 1, but each should be a frame')])
def test_wrong_instances_of_mmpose(change, message, tmp_path):
    path = edited(files.write_mmpose(tmp_path / 'a.json', K, S, THERE, SEEN), change)
    with pytest.raises(BadFile, match=message):
        read_mmpose(path)


def test_wrong_entries_of_other_lists(tmp_path):
    path = files.write_alphapose(tmp_path / 'a.json', K, S, THERE, SEEN)
    with pytest.raises(BadFile, match='x, y, confidence of each joint'):
        read_alphapose(edited(path, lambda c: [dict(c[0], keypoints=[1, 2])]))
    with pytest.raises(BadFile, match="'first.jpg' holds no number"):
        read_alphapose(edited(path, lambda c: [dict(c[0], image_id='first.jpg')]))
    path = files.write_coco_results(tmp_path / 'b.json', K, S, THERE, SEEN)
    with pytest.raises(BadFile, match='image_id and keypoints .KeyError'):
        read_coco(edited(path, lambda c: [{k: v for k, v in c[0].items() if k != 'image_id'}]))
    path = files.write_mediapipe(tmp_path / 'c.json', *FOR['mediapipe'][:3])
    with pytest.raises(BadFile, match='frame 0: landmarks should be'):
        read_mediapipe(edited(path, lambda c: [[dict(x=1)] * 33]), image_size=SIZE)
    with pytest.raises(ValueError, match='pass image_size'):
        read_mediapipe(files.write_mediapipe(tmp_path / 'd.json', *FOR['mediapipe'][:3]))


def test_folders_with_files_of_another_video(tmp_path):
    folder = files.write_openpose(tmp_path / 'op', *FOR['openpose'])
    shutil.copy(next(folder.iterdir()), folder / 'other_000900000000_keypoints.json')
    with pytest.raises(BadFile, match='spread over the frames 0 to 900000000: are there files of another video'):
        read_openpose(folder)
    (folder / 'other_000900000000_keypoints.json').unlink()
    (folder / 'meta.json').write_text('{}')
    with pytest.raises(BadFile, match="'meta.json' holds no number"):
        read_openpose(folder)


def test_lines_of_other_lengths(tmp_path):
    folder = files.write_ultralytics(tmp_path / 'y', K, S, THERE, SEEN)
    (folder / 'clip_3.txt').write_text('0 .5 .5 .1 .2\n')  # a box without a pose
    with pytest.raises(BadFile, match=r'lines have \[5, 56\] numbers; a pose of 17 joints'):
        read_ultralytics(folder, image_size=SIZE)
    (folder / 'clip_3.txt').write_text(' '.join(['x'] * 56))
    with pytest.raises(BadFile, match='clip_3.txt: line 1 should be numbers'):
        read_ultralytics(folder, image_size=SIZE)


def test_a_frame_that_is_missing_is_a_hole(tmp_path):
    folder = files.write_openpose(tmp_path / 'op', *FOR['openpose'])
    (folder / f'video_{7:012d}_keypoints.json').unlink()
    poses = read_openpose(folder)
    assert poses.num_frames == NUM_FRAMES and 7 not in poses.frame and 8 in poses.frame


def test_numbers_of_frames_are_bounded():
    collector = Collector('f', 'test')
    for frame in (-1, 10 ** 9):
        with pytest.raises(BadFile, match='no number of a frame'):
            collector.add(frame, K[0, 0])


def test_a_very_long_video_with_few_people():
    poses = collect_frames([K[n % NUM_FRAMES, 0]] if n % 1000 == 0 else None for n in range(1_000_000))
    assert len(poses) == 1000 and poses.num_frames == 1_000_000
