"""Keypoints one frame at a time give what the whole recording gives in windows with the same delay."""
import copy

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmegopose.inference import LiftingInferencer
from mmegopose.inference.inputs.poses_2d import collect_frames
from mmegopose.inference.loading import dataset_over
from mmegopose.inference.people import people_store
from mmegopose.inference.tracking import one_person
from mmegopose.registry import MODELS, WINDOWS

CONFIG = dict(
    model=dict(
        type='PoseEstimator', backbone=dict(type='JointEmbed', in_dim=3, embed_dim=16),
        neck=dict(type='STC', embed_dim=16, depth=2, num_heads=2),
        head=dict(type='JointHead', embed_dim=16, hidden_dims=(), per_joint=True, output='all'),
        test_cfg=dict(flip='h36m17')),
    test_dataloader=dict(dataset=dict(type='MocapLiftingDataset', num_frames=9, confidence=True)))
SIZE = (1000, 800)


def made(folder, config):
    torch.manual_seed(0)
    config = Config(config)
    config.dump(folder / 'lift.py')
    torch.save(dict(state_dict=MODELS.build(config.model).state_dict()), folder / 'lift.pth')
    return LiftingInferencer(str(folder / 'lift.py'), str(folder / 'lift.pth'), device='cpu')


@pytest.fixture(scope='module')
def inferencer(tmp_path_factory):
    return made(tmp_path_factory.mktemp('weights'), CONFIG)


def keypoints(num_frames: int) -> np.ndarray:
    """COCO keypoints ``(F,17,3)`` of somebody who moves across the image."""
    rng = np.random.default_rng(0)
    points = rng.uniform(200, 500, (1, 17, 3)) + np.cumsum(rng.normal(0, 4, (num_frames, 17, 3)), 0)
    points[..., 2] = rng.uniform(0.5, 1, points.shape[:2])
    return points.astype(np.float32)


def offline(inferencer, points, windows):
    """Poses ``(F,J,3)`` of a recording without a hole, each from one window."""
    poses = collect_frames([frame[None] for frame in points], image_size=SIZE, normalized=False, name='array')
    track, = one_person(poses, max_hole=0.0)
    store = people_store([track], inferencer.skeleton)
    frames = {name: store.frames[name] for name in ('keypoints', 'detected')}
    store = type(store)(store.offsets, frames, store.sequences, info=store.info)
    data = dataset_over(store, inferencer.dataset, protocol='stcformer')
    data.bind(data.store, WINDOWS.build(windows))
    sample = inferencer.predict(data.__getitems__(range(len(points))))
    joints = sample.pred_joints[sample.scored].numpy()
    return joints - joints[:, :1]


@pytest.mark.parametrize('delay', [None, 0, 2, 8])
@pytest.mark.parametrize('num_frames', [3, 9, 40])
def test_each_frame_equals_that_of_the_whole_recording(inferencer, delay, num_frames):
    points = keypoints(num_frames)
    points[5::7, 3] = np.nan  # an ear that is not detected
    windows = dict(type='STCFormerWindows', num_frames=9) if delay is None else dict(
        type='DelayedWindows', num_frames=9, delay=delay)
    stream = inferencer.stream(SIZE, delay=delay)
    frames = [stream.push(frame) for frame in points]
    delay = 4 if delay is None else delay
    assert all(frame is None for frame in frames[:delay]) and None not in frames[delay:]
    assert all(frame.delay == pytest.approx(delay / 30) for frame in frames[delay:])
    frames = frames[delay:] + stream.flush()
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(num_frames) / 30, atol=1e-9)
    np.testing.assert_allclose(np.stack([frame.joints for frame in frames]), offline(inferencer, points, windows),
                               atol=1e-5)
    motion = stream.motion()
    assert len(motion) == num_frames and motion.frame == 'root' and motion.skeleton == 'h36m17'


def test_frames_with_a_step_between_them(tmp_path):
    config = copy.deepcopy(CONFIG)
    config['test_dataloader']['dataset']['frame_step'] = 3
    inferencer, points = made(tmp_path, config), keypoints(60)
    stream = inferencer.stream(SIZE, delay=6)
    frames = [stream.push(frame) for frame in points][6:] + stream.flush()
    expected = offline(inferencer, points, dict(type='DelayedWindows', num_frames=9, frame_step=3, delay=6))
    np.testing.assert_allclose(np.stack([frame.joints for frame in frames]), expected, atol=1e-5)
    with pytest.raises(ValueError, match='delay=4 should be a multiple of frame_step=3 from 0 to 24'):
        inferencer.stream(SIZE, delay=4)


def test_after_a_hole_a_stretch_begins_and_the_last_one_is_answered_to_its_end(inferencer):
    points, stream = keypoints(40), inferencer.stream(SIZE, max_gap=0)
    frames = [stream.push(None if 20 <= k < 28 else frame) for k, frame in enumerate(points)] + stream.flush()
    windows = dict(type='STCFormerWindows', num_frames=9)
    first, second = (offline(inferencer, part, windows) for part in (points[:20], points[28:]))
    answered = [frame for frame in frames if frame is not None and frame.valid]
    assert [frame.stretch for frame in answered] == [0] * 20 + [1] * 12
    np.testing.assert_allclose(np.stack([frame.joints for frame in answered]), np.concatenate([first, second]),
                               atol=1e-5)
    assert answered[20].note == 'nobody before' and answered[20].time == pytest.approx(28 / 30)
    absent = [frame for frame in frames if frame is not None and not frame.valid]
    assert len(absent) == 4 and all(frame.note == 'nobody' and np.isnan(frame.joints).all() for frame in absent)


def test_a_short_hole_is_held_and_told(inferencer):
    points, stream = keypoints(30), inferencer.stream(SIZE)
    frames = [stream.push(None if 12 <= k < 15 else frame) for k, frame in enumerate(points)]
    assert [frame.bridged for frame in frames[4:]] == [0] * 12 + [1] * 3 + [0] * 11
    assert {frame.stretch for frame in frames[4:]} == {0}
    lost = inferencer.stream(SIZE)  # the same three frames never come
    for k in [*range(12), *range(15, 30)]:
        frame = lost.push(points[k], k / 30)
    np.testing.assert_allclose(frame.joints, frames[-1].joints, atol=1e-6)
    assert lost.counts['bridged'] == 3
    stream = inferencer.stream(SIZE, max_gap=0.1)
    frames = [stream.push(None if 12 <= k < 25 else frame) for k, frame in enumerate(points)]
    assert frames[-1].stretch == 1 and stream.counts['stretches begun anew'] == 1
    late = stream.push(points[0])
    assert late.valid


def test_late_frames_are_left_out(inferencer):
    points, stream = keypoints(20), inferencer.stream(SIZE)
    expected = [inferencer.stream(SIZE, delay=4)]
    expected = [expected[0].push(frame, k / 30) for k, frame in enumerate(points)]
    for k, frame in enumerate(points):
        found = stream.push(frame, k / 30)
        late = stream.push(frame, (k - 1) / 30)
        assert late is not None and not late.valid and 'late by' in late.note
    np.testing.assert_allclose(found.joints, expected[-1].joints, atol=1e-6)
    assert stream.counts['late'] == 20


def test_wrong_keypoints_are_told(inferencer):
    stream = inferencer.stream(SIZE)
    with pytest.raises(ValueError, match=r'shape \(J,2\) or \(J,3\), got \(17,\)'):
        stream.push(np.zeros(17))
    with pytest.raises(ValueError, match='should be pixels of an image of 1000 x 800'):
        stream.push(keypoints(1)[0, :, :2] / 1000)
    with pytest.raises(ValueError, match='delay=9 should be .* from 0 to 8'):
        inferencer.stream(SIZE, delay=9)
    assert not stream.push(np.full((17, 2), np.nan)).valid


def test_a_stream_takes_no_more_rows_than_a_window(inferencer):
    stream, points = inferencer.stream(SIZE, history=1), keypoints(50)
    for k in range(300):
        stream.push(points[k % 50])
    assert len(stream.rows) == 9 and len(stream.motion()) == 30
    assert all(len(array) == 9 for array in stream.rows.frames.values())


def test_a_stream_counts_joints_and_takes_zeros_for_nobody(inferencer):
    with pytest.raises(ValueError, match='fps=0 should be positive'):
        inferencer.stream(SIZE, fps=0)
    stream = inferencer.stream(SIZE)
    assert not stream.push(np.zeros((17, 2))).valid
    for frame in keypoints(9)[:, :, :2]:
        stream.push(frame)
    for wrong in (np.ones((5, 2)) * 50, np.full((5, 2), np.nan), np.zeros((0, 2)), np.zeros((0, 3))):
        with pytest.raises(ValueError, match=f'{len(wrong)} keypoints, but there should be 17 as before'):
            stream.push(wrong)
    with pytest.raises(ValueError, match='shape'):
        stream.push([])


@pytest.mark.parametrize('value', [0, -1e9, 1e30])
def test_one_joint_that_cannot_be_is_not_there_in_a_stream(inferencer, value):
    points, lost = keypoints(12)[:, :, :2].copy(), keypoints(12)[:, :, :2].copy()
    points[6, 3], lost[6, 3] = value, np.nan
    found, expected = ([stream.push(frame) for frame in frames] for stream, frames in (
        (inferencer.stream(SIZE), points), (inferencer.stream(SIZE), lost)))
    np.testing.assert_array_equal(found[-1].joints, expected[-1].joints)
