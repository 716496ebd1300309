"""Lifting of clips of any length."""
import sys

import numpy as np
import pytest
import torch
from helpers import pose_files
from helpers.video_files import number_in, numbered_frames, time_mp4, write_video

from mmegopose.geometry.cameras import screen_normalize
from mmegopose.inference import LiftingInferencer, lifting_inferencer
from mmegopose.inference.detectors import Detection, poses_of_video
from mmegopose.models.engines import use_engine
from mmegopose.registry import MODELS

CONFIG = """
model = dict(
    type='PoseEstimator', backbone=dict(type='JointEmbed', in_dim={dim}, embed_dim=16),
    neck=dict(type='STC', embed_dim=16, depth=2, num_heads=2),
    head=dict(type='JointHead', embed_dim=16, hidden_dims=(), per_joint=True, output='all'),
    test_cfg=dict(flip='h36m17'))
test_dataloader = dict(dataset=dict(type='MocapLiftingDataset', num_frames=9, confidence={confidence}))
"""


@pytest.fixture(params=[2, 3])
def inferencer(request, tmp_path):
    path = tmp_path / 'lift.py'
    path.write_text(CONFIG.format(dim=request.param, confidence=request.param == 3))
    torch.manual_seed(0)
    from mmegopose.engine.config import load_config
    model = MODELS.build(load_config(path).model)
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'lift.pth')
    return LiftingInferencer(str(path), str(tmp_path / 'lift.pth'), device='cpu')


def clip(frames, channels=3):
    rng = np.random.default_rng(0)
    keypoints = (rng.uniform(100, 900, (17, channels)) + rng.normal(0, 3, (frames, 17, channels))).astype(np.float32)
    keypoints[..., 2:] = rng.uniform(0.5, 1, keypoints[..., 2:].shape)
    return keypoints


@pytest.mark.parametrize('frames', [1, 8, 9, 10, 40])
def test_every_frame_of_any_clip(inferencer, frames):
    motion, = inferencer(clip(frames), (1000, 1000), skeleton='h36m17', batch_size=3)
    poses = motion.joints
    assert poses.shape == (frames, 17, 3) and np.isfinite(poses).all() and (poses[:, 0] == 0).all()
    assert motion.valid.all() and motion.frame == 'root' and not motion.filled.any()


@pytest.mark.parametrize('inferencer', [3], indirect=True)
def test_onnx_runtime_gives_the_same_poses(inferencer, tmp_path):
    pytest.importorskip('onnxruntime')
    pytest.importorskip('onnxscript')
    files = str(tmp_path / 'lift.py'), str(tmp_path / 'lift.pth')
    quick = LiftingInferencer(*files, device='cpu', engine='onnx')
    for frames, batch_size in ((40, 3), (9, 1)):  # windows of one size, in batches of any
        for keypoints in (clip(frames), clip(frames) * [1, 1, 0]):
            expected, found = (lift(keypoints, (1000, 1000), skeleton='h36m17', batch_size=batch_size)
                               for lift in (inferencer, quick))
            assert len(expected) == len(found)
            for one, other in zip(expected, found):
                np.testing.assert_allclose(other.joints, one.joints, atol=1e-5)
    assert len(quick.model.engine.programs) == 1 and found == [] and quick.provenance['engine'] == 'onnx'


def test_engines_that_cannot_run_are_told(inferencer, tmp_path, monkeypatch):
    files = str(tmp_path / 'lift.py'), str(tmp_path / 'lift.pth')
    with pytest.raises(ValueError, match=r"engine='tensorrt' should be one of \['torch', 'compile', 'onnx'\]"):
        LiftingInferencer(*files, device='cpu', engine='tensorrt')
    with pytest.raises(ValueError, match='computes in fp32, not in bf16'):
        LiftingInferencer(*files, device='cpu', engine='onnx', precision='bf16')
    with pytest.raises(ValueError, match='PoseEstimator, not Linear'):
        use_engine(torch.nn.Linear(1, 1), 'onnx')
    monkeypatch.setitem(sys.modules, 'onnxruntime', None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "mmegopose\[onnx\]"'):
        LiftingInferencer(*files, device='cpu', engine='onnx')
    monkeypatch.setenv('PATH', '')
    with pytest.raises(ValueError, match='needs a C'):
        LiftingInferencer(*files, device='cpu', engine='compile')


def test_one_window_is_one_forward_pass(inferencer):
    keypoints = clip(9)
    screen = np.concatenate([screen_normalize(keypoints[..., :2], 1000, 1000), keypoints[..., 2:]], -1)
    channels = inferencer.model.backbone.proj.in_features
    inputs = dict(keypoints=torch.from_numpy(screen[None, ..., :channels].astype(np.float32)))
    model = inferencer.model
    expected = model.flip.average(model(model.flip.double(inputs))['joints'])[0].detach()
    motion, = inferencer(keypoints, (1000, 1000), skeleton='h36m17')
    np.testing.assert_allclose(motion.joints, (expected - expected[:, :1]).numpy(), atol=1e-6)


def test_other_skeletons_are_converted(inferencer):
    motion, = inferencer(clip(5), (1000, 800))  # 17 keypoints of a detector are those of COCO
    given, = inferencer(clip(5), (1000, 800), skeleton='coco17')
    np.testing.assert_array_equal(motion.joints, given.joints)
    assert motion.joints.shape == (5, 17, 3) and motion.skeleton == 'h36m17'
    with pytest.raises(KeyError, match='no conversion|unknown skeleton'):
        inferencer(clip(5), (1000, 800), skeleton='hand')
    with pytest.raises(KeyError, match='no conversion'):
        inferencer(np.random.default_rng(0).uniform(100, 900, (5, 21, 3)), (1000, 800))


def test_wrong_keypoints_are_told(inferencer):
    with pytest.raises(ValueError, match=r'\(frames,joints,2\) or \(frames,joints,3\), got \(5, 17\)'):
        inferencer(np.zeros((5, 17)), (1000, 1000))
    with pytest.raises(ValueError, match='should be pixels of an image of 1000 x 1000'):
        inferencer(clip(5)[..., :2] / 1000, (1000, 1000))
    with pytest.raises(ValueError, match='pass image_size'):
        inferencer(clip(5))
    with pytest.raises(ValueError, match="frame='camera': where a person is needs intrinsics or field_of_view"):
        inferencer(clip(5), (1000, 1000), frame='camera')


@pytest.mark.parametrize('written', ['nan', 'zero', 'masked', 'confidence', 'list'])
def test_what_is_not_there(inferencer, written):
    keypoints = clip(60)
    lost = np.zeros((60, 17), bool)
    lost[3, 2] = lost[10:14] = lost[30:50] = True
    if written == 'masked':
        keypoints = np.ma.masked_array(keypoints, np.broadcast_to(lost[..., None], keypoints.shape))
    elif written == 'confidence':
        keypoints[lost, 2] = 0
    else:
        keypoints[lost] = np.nan if written == 'nan' else 0
    given = keypoints
    if written == 'list':  # nobody: None or an empty one
        given = [None if 30 <= frame < 40 else [] if 40 <= frame < 50 else pose for frame, pose in enumerate(
            keypoints)]
    motion, = inferencer(given, (1000, 1000), skeleton='h36m17', fps=25)
    assert len(motion) == 60 and motion.time[1] == 1 / 25
    np.testing.assert_array_equal(motion.valid.all(1), ~np.isin(np.arange(60), np.arange(30, 50)))
    np.testing.assert_array_equal(np.flatnonzero(motion.filled), [3, 10, 11, 12, 13])
    assert (motion.confidence[30:50] == 0).all() and not np.isfinite(motion.joints[30:50]).any()
    there = np.isfinite(motion.keypoints).all(-1)
    assert motion.image_size == (1000, 1000) and not there[30:50].any() and there.sum() == 40 * 17
    np.testing.assert_array_equal(motion.keypoints[20], keypoints[20, :, :2])
    after, = inferencer(keypoints[50:], (1000, 1000), skeleton='h36m17')
    np.testing.assert_allclose(motion.joints[50:], after.joints, atol=1e-6)  # begins anew


def test_everybody_in_a_file(inferencer, tmp_path):
    file = pose_files.write_npz(tmp_path / 'p.npz', *pose_files.people())
    motions = inferencer(file, pose_files.SIZE, fps=25, tracking=dict(use_identities=False))
    assert len(motions) == 2 and len({motion.person for motion in motions}) == 2
    assert all(motion.valid.any() and motion.skeleton == 'h36m17' for motion in motions)
    one, = inferencer(file, pose_files.SIZE, fps=25, person='longest')
    np.testing.assert_allclose(one.joints, motions[0].joints, atol=1e-6)  # in one batch or alone
    assert one.provenance['input']['format'] == 'npz' and one.provenance['fps'] == 25


def test_nobody_is_an_empty_list(inferencer):
    assert inferencer(np.full((5, 17, 2), np.nan), (1000, 1000)) == []


def test_a_camera_places_people(inferencer):
    motion, = inferencer(clip(12), (1000, 1000), skeleton='h36m17', field_of_view=60)
    assert motion.frame == 'camera' and 'placement' in motion.provenance and motion.spread.shape == (12, 17)
    with pytest.raises(ValueError, match='either intrinsics'):
        inferencer(clip(12), (1000, 1000), skeleton='h36m17', field_of_view=60, intrinsics=(1000, 1000, 500, 500))
    with pytest.raises(ValueError, match='field_of_view=1.05 should be in degrees; in radians'):
        inferencer(clip(12), (1000, 1000), skeleton='h36m17', field_of_view=1.05)


def test_people_farther_away_than_anybody_are_doubted(inferencer, monkeypatch):
    monkeypatch.setattr(lifting_inferencer, 'FAR', 0.1)
    with pytest.warns(UserWarning, match='^1 of 1 people are farther away than 0 m, up to [0-9.]+ m: is the field of'):
        inferencer(clip(12), (1000, 1000), skeleton='h36m17', intrinsics=(9000, 9000, 500, 500))


class TwoWalkers:
    """A detector of COCO joints that sees two people pass through a picture, one of them from the tenth frame on."""
    skeleton = 'coco17'

    def __init__(self):
        self.shape, self.calls = np.random.default_rng(3).uniform(-1, 1, (2, 17, 2)) * (12, 30), -1

    def __call__(self, image, time):
        self.calls += 1
        places = np.array([[40.0 + self.calls, 50], [160.0 - self.calls, 52]])
        return [(place + shape, np.full(17, 0.9)) for place, shape in zip(places, self.shape[:1 + (self.calls >= 10)])]


def test_a_video_with_a_detector(inferencer, tmp_path):
    pictures = np.zeros((30, 100, 200, 3), np.uint8)
    first, second = inferencer(pictures, detector=TwoWalkers(), fps=20, field_of_view=70)
    assert len(first) == 30 and len(second) == 20 and second.time[0] == pytest.approx(0.5)
    assert first.fps == pytest.approx(20) and first.frame == 'camera' and first.provenance['image_size'] == [200, 100]
    assert first.provenance['input']['detector'] == 'TwoWalkers'
    largest, = inferencer(pictures, detector=TwoWalkers(), fps=20, person='longest')
    assert largest.person == first.person and largest.valid.all()


def test_the_world_of_lifted_people(inferencer):
    keypoints = clip(40)
    motions = inferencer(keypoints, (1000, 1000), skeleton='h36m17', intrinsics=(1000, 1000, 500, 500), frame='world')
    assert [motion.frame for motion in motions] == ['world'] and 'camera_height' in motions[0].provenance['upright']
    with pytest.raises(ValueError, match="frame='sky' should be one of"):
        inferencer(keypoints, (1000, 1000), frame='sky')
    with pytest.raises(ValueError, match='a floor is in the world'):
        inferencer(keypoints, (1000, 1000), skeleton='h36m17', floor=True)


class MovingDots:
    """A detector that sees one person at the number that stands in the picture."""
    skeleton, follows = 'coco17', True

    def __call__(self, image, time):
        number = number_in(image)
        points = np.random.default_rng(0).uniform(5, 40, (17, 2)) + [0.3 * number, 0]
        points = points + [200, 0] if number >= 20 else points  # far away, but it says that it is the same
        return [] if 12 <= number < 20 else [Detection(points, np.full(17, 0.9), person=0)]


def test_a_video_with_a_detector_is_lifted(inferencer, tmp_path):
    path = write_video(tmp_path / 'a.mp4', numbered_frames(30), 25.0)
    motion, = inferencer(path, detector=MovingDots())
    assert len(motion) == 30 and np.allclose(motion.time, np.arange(30) / 25)
    assert motion.valid[:12].all() and not motion.valid[12:20].any() and motion.valid[20:].all()
    assert motion.provenance['image_size'] == [64, 48] and motion.provenance['input']['pictures'] == dict(read=30)
    same, = inferencer(poses_of_video(path, MovingDots()), tracking=dict(use_identities='always'))
    np.testing.assert_array_equal(same.joints, motion.joints)
    cut = inferencer(path, detector=MovingDots(), tracking=dict(use_identities=True))
    assert [piece.person for piece in cut] == ['0', '0#2']
    with pytest.raises(ValueError, match='image_size'):
        inferencer(path, (640, 480), detector=MovingDots())


def test_times_of_a_variable_frame_rate_are_those_of_the_motion(inferencer, tmp_path):
    path = write_video(tmp_path / 'phone.mp4', numbered_frames(12))
    steps = np.array([512 * (1 + (i * 7 % 5) / 2) for i in range(12)])
    time_mp4(path, steps)
    motion, = inferencer(path, detector=MovingDots())
    assert np.allclose(np.diff(motion.time), steps[:-1] / 15360, atol=1e-6)
    assert 'the frame rate varies: 10 to 30' in motion.provenance['input']['notes'][0]


def test_a_video_asks_for_mediapipe(inferencer, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'mediapipe', None)
    path = write_video(tmp_path / 'a.mp4', numbered_frames(3))
    with pytest.raises(ModuleNotFoundError, match='pip install --no-deps mediapipe'):
        inferencer(path)
