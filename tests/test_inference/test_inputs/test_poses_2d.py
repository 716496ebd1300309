"""2D poses in the layouts of their detectors: the same people, and what is missing is missing."""
import json
import types

import numpy as np
import pytest
from helpers import pose_files as files
from helpers.pose_files import NUM_FRAMES, SIZE, people

from mmegopose.files import BadFile
from mmegopose.inference.inputs.poses_2d import (
    FORMATS,
    collect_frames,
    detect_pose_format,
    read_alphapose,
    read_coco,
    read_mediapipe,
    read_mmpose,
    read_npz,
    read_openpose,
    read_poses_2d,
    read_ultralytics,
    read_videopose3d,
)
from mmegopose.structures import get_skeleton

K, S, THERE, SEEN = people()
FOR = dict(openpose=people(25, 1), halpe=people(26, 2), mediapipe=people(33, 3), whole=people(133, 4))


def check(poses, data=(K, S, THERE, SEEN), persons=(0, 1), scores=True, atol=1e-3, num_frames=NUM_FRAMES):
    """The poses are those of the data, row by row."""
    keypoints, confidence, there, seen = data
    rows = [(n, p) for n in range(len(keypoints)) for p in persons if there[n, p]]
    assert poses.frame.tolist() == [n for n, _ in rows] and poses.num_frames == num_frames
    for row, (n, p) in enumerate(rows):
        np.testing.assert_array_equal(poses.detected[row], seen[n, p])
        np.testing.assert_allclose(poses.keypoints[row][seen[n, p]], keypoints[n, p][seen[n, p]], atol=atol)
        if scores:
            np.testing.assert_allclose(poses.confidence[row][seen[n, p]], confidence[n, p][seen[n, p]], atol=1e-5)
    assert (poses.confidence[~poses.detected] == 0).all() and (poses.keypoints[~poses.detected] == 0).all()
    return poses


ALL_SEEN = np.ones_like(SEEN)
READ = dict(  # format: (write(folder) -> path, options, what to check with)
    npz=(lambda d: files.write_npz(d / 'a.npz', K, S, THERE, SEEN), {}, {}),
    mmpose=(lambda d: files.write_mmpose(d / 'a.json', K, S, THERE, SEEN), {}, {}),
    openpose=(lambda d: files.write_openpose(d / 'op', *FOR['openpose']), {}, dict(data=FOR['openpose'])),
    alphapose=(lambda d: files.write_alphapose(d / 'a.json', K, S, THERE, SEEN), {}, dict(num_frames=22)),
    coco=(lambda d: files.write_coco_results(d / 'a.json', K, S, THERE, SEEN), dict(num_frames=NUM_FRAMES), {}),
    mediapipe=(lambda d: files.write_mediapipe(d / 'a.json', *FOR['mediapipe'][:3]), dict(image_size=SIZE), dict(
        data=(*FOR['mediapipe'][:3], np.ones_like(FOR['mediapipe'][3])), persons=(0,))),
    ultralytics=(lambda d: files.write_ultralytics(d / 'y', K, S, THERE, SEEN), dict(
        image_size=SIZE, num_frames=NUM_FRAMES), {}),
    ultralytics_json=(lambda d: files.write_ultralytics_json(d / 'a.json', K, S, THERE, SEEN), {}, {}),
    videopose3d=(lambda d: files.write_videopose3d(d / 'a.npz', K, THERE), {}, dict(
        data=(K, S, np.ones_like(THERE), ALL_SEEN), persons=(0,), scores=False)))


def test_every_format_has_a_file_here():
    assert set(READ) == set(FORMATS)


@pytest.mark.parametrize('name', READ)
def test_every_format_is_recognised_and_read(name, tmp_path):
    write, options, expected = READ[name]
    path = write(tmp_path)
    assert detect_pose_format(path) == name
    if name == 'alphapose':  # both are there in frame 21, one only after it
        expected = dict(expected, num_frames=NUM_FRAMES)
    poses = check(read_poses_2d(path, **options), **expected)
    assert poses.facts['format'] == name and 'detections' in poses.describe()
    assert json.loads(json.dumps(poses.facts)) == poses.facts  # as the file of a motion keeps them
    check(read_poses_2d(path, name, **options), **expected)


def test_boxes_scores_and_identities(tmp_path):
    poses = read_mmpose(files.write_mmpose(tmp_path / 'a.json', K, S, THERE, SEEN))
    assert poses.box[0].tolist() == [0, 0, 10, 20] and (poses.score == .5).all() and not poses.has_identities
    tracked = read_alphapose(files.write_alphapose(tmp_path / 'b.json', K, S, THERE, SEEN, nested=True))
    assert tracked.has_identities and tracked.person[:2].tolist() == [1, 2]
    assert tracked.box[0].tolist() == [0, 0, 10, 20]
    opened = read_openpose(files.write_openpose(tmp_path / 'op', *FOR['openpose'], first=40, ids=True))
    assert opened.skeleton == 'openpose25' and opened.person[:2].tolist() == [0, 1] and opened.num_people == 2
    assert opened.frame[0] == 0  # the first file is the first frame, whatever its number
    seen = opened.keypoints[0][opened.detected[0]]
    np.testing.assert_allclose(opened.box[0], [*seen.min(0), *seen.max(0)], atol=1e-3)
    labelled = read_coco(files.write_coco_annotations(tmp_path / 'c.json', K, THERE, SEEN))
    check(labelled, scores=False)
    assert labelled.image_size == SIZE and labelled.person[:2].tolist() == [0, 1]


@pytest.mark.parametrize('box_score', [False, True])
@pytest.mark.parametrize('ids', [False, True])
@pytest.mark.parametrize('with_scores', [False, True])
def test_lines_of_ultralytics_are_told_apart_by_their_length(box_score, ids, with_scores, tmp_path):
    path = files.write_ultralytics(tmp_path / 'y', K, S, THERE, ALL_SEEN, box_score, ids, with_scores)
    poses = read_ultralytics(path, image_size=SIZE, num_frames=NUM_FRAMES)
    check(poses, (K, S, THERE, ALL_SEEN), scores=with_scores)
    assert poses.has_identities == ids and set(poses.person) == ({1, 2} if ids else {-1})
    np.testing.assert_allclose(poses.score, .8 if box_score else 1)
    np.testing.assert_allclose(poses.box[0], [.45 * 1280, .4 * 720, .55 * 1280, .6 * 720], rtol=1e-5)


def test_mmpose_of_images_and_of_its_demo(tmp_path):
    check(read_mmpose(files.write_mmpose_images(tmp_path / 'images', K, S, THERE, SEEN)))  # 10 comes after 9
    assert detect_pose_format(tmp_path / 'images') == 'mmpose'
    check(read_poses_2d(files.write_mmpose(tmp_path / 'b.json', K, S, THERE, SEEN, key='instance_info')))


def test_rtmlib_returns_arrays():
    """``(keypoints, scores)`` for each frame; nobody is ``([], [])``, or None."""
    def frames():
        for n in range(NUM_FRAMES):
            found = THERE[n]
            yield (K[n, found].astype(np.float32), S[n, found].astype(np.float32)) if found.any() else ([], [])

    check(collect_frames(frames(), image_size=SIZE), (K, S, THERE, ALL_SEEN))
    low = S.copy()
    low[:, :, 3] = -.1  # rtmlib: not found
    poses = collect_frames([(k, s) for k, s in zip(K, low)])
    assert not poses.detected[:, 3].any() and poses.detected[:, 4].all()
    assert len(collect_frames([None, ([], []), []])) == 0


@pytest.mark.parametrize('kind', ['dicts', 'lists', 'named', 'objects', 'npz'])
def test_mediapipe_in_every_form(kind, tmp_path):
    k, s, there, seen = FOR['mediapipe']
    if kind == 'npz':
        marks = np.concatenate([k[:, 0] / SIZE, np.zeros((NUM_FRAMES, 33, 1)), s[:, 0, :, None]], -1)
        marks[~there[:, 0]] = np.nan
        np.savez(tmp_path / 'a.npz', landmarks=marks)
        assert detect_pose_format(tmp_path / 'a.npz') == 'mediapipe'
        source = tmp_path / 'a.npz'
    elif kind == 'objects':
        source = [types.SimpleNamespace(pose_landmarks=types.SimpleNamespace(landmark=[
            types.SimpleNamespace(x=x, y=y, z=0, visibility=v) for (x, y), v in zip(k[n, 0] / SIZE, s[n, 0])])
            if there[n, 0] else None) for n in range(NUM_FRAMES)]
    else:
        source = files.write_mediapipe(tmp_path / 'a.json', k, s, there, kind)
        assert detect_pose_format(source) == 'mediapipe'
    poses = check(read_mediapipe(source, image_size=SIZE), (k, s, there, np.ones_like(seen)), persons=(0,))
    assert poses.skeleton == 'mediapipe33' and poses.has_identities


def test_videopose3d_and_detectron(tmp_path):
    check(read_videopose3d(files.write_detectron(tmp_path / 'd.npz', K, S, THERE)), (K, S, THERE, ALL_SEEN))
    two = {name: {'custom': [K[:, 0]]} for name in 'ab'}
    np.savez(tmp_path / 'two.npz', positions_2d=np.array(two, object), metadata=np.array({}, object))
    with pytest.raises(ValueError, match=r"2 videos: pass sequence, one of \['a', 'b'\]"):
        read_videopose3d(tmp_path / 'two.npz')
    assert len(read_videopose3d(tmp_path / 'two.npz', sequence='b')) == NUM_FRAMES
    with pytest.raises(ValueError, match="no video 'c'"):
        read_videopose3d(tmp_path / 'two.npz', sequence='c')
    with pytest.warns(UserWarning, match='tells of images of 1280 x 720, image_size is 640 x 480'):
        read_videopose3d(files.write_videopose3d(tmp_path / 'a.npz', K / 2, THERE), image_size=(640, 480))


def test_keypoints_of_the_whole_body(tmp_path):
    k, s, there, seen = FOR['whole']
    path = files.write_mmpose(tmp_path / 'a.json', k, s, there, np.ones_like(seen))
    body = read_mmpose(path)
    check(body, (k[:, :, :17], s[:, :, :17], there, np.ones_like(seen[:, :, :17])))
    left, right = (read_mmpose(path, part=f'{side}_hand') for side in ('left', 'right'))
    assert left.skeleton == 'hand21' and (body.skeleton, body.facts['part']) == ('coco17', 'body')
    np.testing.assert_allclose(left.keypoints[0], k[0, 0, 91:112], atol=1e-3)
    np.testing.assert_allclose(right.keypoints[0], k[0, 0, 112:], atol=1e-3)
    with pytest.raises(ValueError, match='17 keypoints have no left_hand'):
        read_mmpose(files.write_mmpose(tmp_path / 'b.json', K, S, THERE, SEEN), part='left_hand')
    with pytest.raises(ValueError, match="part='foot'"):
        read_mmpose(path, part='foot')


SKELETONS = [('halpe', 'halpe26'), ('openpose', 'openpose25'), ('mediapipe', 'mediapipe33')]


@pytest.mark.parametrize('name, skeleton', SKELETONS)
def test_conversion_keeps_what_is_missing(name, skeleton):
    k, s, there, seen = FOR[name]
    poses = collect_frames([np.where(seen[n, p, :, None], np.c_[k[n, p], s[n, p]], 0)[None] for n in range(NUM_FRAMES)
                            for p in [0]], skeleton=skeleton)
    coco, h36m = poses.convert('coco17'), poses.convert('h36m17')
    assert coco.keypoints.shape[1:] == h36m.keypoints.shape[1:] == (17, 2) and coco.keypoints.dtype == np.float32
    index = [get_skeleton(skeleton).index(joint) for joint in get_skeleton('coco17').joints]
    np.testing.assert_array_equal(coco.detected, poses.detected[:, index])
    np.testing.assert_array_equal(coco.keypoints, poses.keypoints[:, index])
    hips = coco.detected[:, [11, 12]].all(1)
    if name == 'mediapipe':
        np.testing.assert_array_equal(h36m.detected[:, 0], hips)
        np.testing.assert_allclose(h36m.keypoints[hips, 0], coco.keypoints[hips][:, [11, 12]].mean(1), atol=1e-3)
    assert (h36m.keypoints[~h36m.detected] == 0).all() and (h36m.confidence[~h36m.detected] == 0).all()


def test_not_there_has_one_meaning():
    """Zeros, NaN, None, a negative score, an empty list, no entry: all the same."""
    full = np.c_[K[0, 0], S[0, 0]]
    spoilt = [full.copy() for _ in range(4)]
    spoilt[0][2] = 0
    spoilt[1][2] = np.nan
    spoilt[2][2, 2] = -1
    spoilt = [s.tolist() for s in spoilt]
    spoilt[3][2] = [None, None, None]
    poses = collect_frames([[pose] for pose in spoilt] + [[], None])
    assert poses.num_frames == 6 and poses.frame.tolist() == [0, 1, 2, 3]
    for row in range(4):
        assert np.flatnonzero(~poses.detected[row]).tolist() == [2]
        np.testing.assert_array_equal(poses.keypoints[row], poses.keypoints[0])
        np.testing.assert_array_equal(poses.confidence[row], poses.confidence[0])
    nobody = collect_frames([[np.zeros((17, 3))], [full]])
    assert nobody.frame.tolist() == [1] and '1 detections without a joint' in nobody.facts['notes'][0]
    strict = collect_frames([[full]], min_confidence=.5)
    np.testing.assert_array_equal(strict.detected[0], S[0, 0] > .5)


def test_confidences_beyond_one_are_cut_and_told():
    poses = collect_frames([[np.c_[K[0, 0], S[0, 0] * 6]]])
    assert poses.confidence.max() == 1 and 'confidences reach' in poses.facts['notes'][0]
    assert collect_frames([[np.c_[K[0, 0], S[0, 0] * 1.2]]]).facts['notes'] == []


def test_sizes_of_images_are_needed_and_compared(tmp_path):
    shares = [[np.c_[K[n, 0] / SIZE, S[n, 0]]] for n in range(4)]
    with pytest.raises(ValueError, match='shares of the image .*pass image_size'):
        collect_frames(shares)
    np.testing.assert_allclose(collect_frames(shares, image_size=SIZE).keypoints[0], K[0, 0], atol=1e-3)
    with pytest.raises(BadFile, match='outside of an image of 64 x 48: another image_size'):
        collect_frames([[np.c_[K[n, 0], S[n, 0]]] for n in range(4)], image_size=(64, 48))
    with pytest.raises(ValueError, match='width and height'):
        collect_frames(shares, image_size=(0, 5))
    path = files.write_ultralytics(tmp_path / 'y', K * SIZE, S, THERE, SEEN)
    with pytest.raises(BadFile, match='should be shares of the image, but reach .*normalized=False'):
        read_ultralytics(path, image_size=SIZE)


def test_skeletons_that_are_not_known():
    with pytest.raises(ValueError, match='25 keypoints are no known skeleton: pass skeleton'):  # rtmlib's 25 are not
        collect_frames([[np.ones((25, 3)) * 50]])                                                # OpenPose's
    with pytest.raises(ValueError, match="there are 17 keypoints, but skeleton='halpe26' has 26"):
        collect_frames([[K[0, 0]]], skeleton='halpe26')
    assert collect_frames([[K[0, 0]]], skeleton='h36m17').skeleton == 'h36m17'


def test_somebody_twice_and_a_video_of_another_length(tmp_path):
    twice = K.copy()
    path = files.write_alphapose(tmp_path / 'a.json', twice, S, THERE, SEEN)
    rows = json.loads(path.read_text())
    path.write_text(json.dumps([dict(row, idx=1) for row in rows]))
    poses = read_alphapose(path)
    assert len(poses) == len(np.unique(poses.frame)) and 'already left out' in poses.facts['notes'][0]
    best = np.where(SEEN[0], S[0], 0).mean(-1).argmax()
    np.testing.assert_allclose(poses.confidence[0], np.where(SEEN[0, best], S[0, best], 0), atol=1e-5)
    with pytest.raises(ValueError, match='a pose in frame 23, but the video has 10 frames'):
        read_alphapose(path, num_frames=10)
    assert read_alphapose(path, num_frames=100).num_frames == 100


def test_npz_of_one_person_and_wrong_shapes(tmp_path):
    np.savez(tmp_path / 'a.npz', keypoints=K[:, 0], scores=S[:, 0], image_size=SIZE, fps=25)
    poses = read_npz(tmp_path / 'a.npz')
    check(poses, (K, S, np.ones_like(THERE), ALL_SEEN), persons=(0,))
    assert poses.image_size == SIZE and poses.fps == 25
    np.save(tmp_path / 'a.npy', np.concatenate([K, S[..., None]], -1)[:, 0])
    check(read_poses_2d(tmp_path / 'a.npy', image_size=SIZE), (K, S, np.ones_like(THERE), ALL_SEEN), persons=(0,))
    files.write_npz(tmp_path / 'b.npz', K, S, THERE, SEEN, ids=np.tile([4, 9], (NUM_FRAMES, 1)))
    assert set(read_npz(tmp_path / 'b.npz').person) == {4, 9}
    for arrays, message in ((dict(keypoints=K[..., 0]), r'\(N,K,2.3\)'), (dict(keypoints=K, scores=S[:5]), 'scores'),
                            (dict(other=K), 'none of the arrays'), (dict(keypoints=K, ids=np.zeros(3)), 'ids')):
        np.savez(tmp_path / 'c.npz', **arrays)
        with pytest.raises(BadFile, match=message):
            read_npz(tmp_path / 'c.npz')
