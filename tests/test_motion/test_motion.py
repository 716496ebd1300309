"""One person's motion: masks, cuts, other times, skeletons and frames of reference."""
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mmegopose.motion import Mesh, Motion
from mmegopose.structures import Skeleton, convert_joints, skeleton


def motion(num_frames=10, fps=10., skeleton='coco17', num_joints=17, **kwargs):
    rng = np.random.default_rng(0)
    return Motion(np.arange(num_frames) / fps, rng.normal(size=(num_frames, num_joints, 3)), skeleton, **kwargs)


def turning(num_frames=10):
    """Head poses that turn by 0.1 rad and move by 1 cm each frame."""
    pose = np.tile(np.eye(4), (num_frames, 1, 1))
    pose[:, :3, :3] = Rotation.from_rotvec(np.outer(np.arange(num_frames), [0, 0, .1])).as_matrix()
    pose[:, 0, 3] = .01 * np.arange(num_frames)
    return pose


def test_what_is_not_finite_is_not_valid():
    joints = np.zeros((3, 17, 3), np.float32)
    joints[1, 4] = np.nan, 0, 0
    joints[2, 5, 1] = np.inf
    plain, said = Motion(np.arange(3), joints, 'coco17'), Motion(np.arange(3), joints, 'coco17', np.ones((3, 17)))
    for m in (plain, said):
        assert np.argwhere(~m.valid).tolist() == [[1, 4], [2, 5]] and m.joints.dtype == np.float32
    pose = turning(3)
    pose[1] = np.nan
    assert Motion(np.arange(3), joints, 'coco17', head_pose=pose).head_valid.tolist() == [True, False, True]


@pytest.mark.parametrize('change, message', [
    (dict(joints=np.zeros((2, 16, 3))), r"joints should be .*\(2, 17, 3\).*'coco17'.*\(2, 16, 3\)"),
    (dict(joints=np.zeros((2, 17, 2))), r'\(T,J,3\), got float64 \(2, 17, 2\)'),
    (dict(joints=np.zeros((2, 17, 3), int)), 'got int64'),
    (dict(time=[0., 0.]), 'row 1 is .0.. s, after .0..'), (dict(time=[0, np.nan]), 'ascend'),
    (dict(time=[0.]), r'time should be .*\(2,\).*\(1,\)'), (dict(valid=np.ones(2)), r'valid should be .*\(2, 17\)'),
    (dict(confidence=np.full((2, 17), 'a')), 'confidence should be numbers'),
    (dict(head_valid=[True, True]), 'without head_pose'), (dict(frame='room'), "frame='room'"),
    (dict(keypoints=np.zeros((2, 17, 2))), 'without image_size'),
    (dict(keypoints=np.zeros((2, 17, 3)), image_size=(640, 480)), r'keypoints should be .*\(2, 17, 2\)'),
    (dict(image_size=(640,)), 'width and height'), (dict(image_size=(640, -1)), 'width and height'),
    (dict(image_size='ab'), 'width and height'),
    (dict(mesh=Mesh(np.zeros((2, 3, 3)), np.array([[0, 1, 3]]))), 'faces should be'),
    (dict(mesh=Mesh(np.zeros((1, 3, 3)), np.array([[0, 1, 2]]))), 'vertices should be'),
    (dict(mesh=Mesh(np.zeros((2, 3, 3)), np.array([[0, 1, 2]]), '', dict(betas=np.zeros((1, 10))))), "'betas'")])
def test_arrays_that_do_not_fit_are_refused(change, message):
    good = dict(time=[0., 1], joints=np.zeros((2, 17, 3)), skeleton='coco17')
    Motion(**good)
    with pytest.raises(ValueError, match=message):
        Motion(**{**good, **change})


def test_cut_by_seconds_and_by_frames():
    m = motion(confidence=np.tile(np.arange(10.)[:, None], (1, 17)), head_pose=turning())
    assert m.cut(.3, .6).time.tolist() == m.time[3:6].tolist() and len(m.cut(2)) == 0 and len(m.cut()) == 10
    assert m[-1].confidence[0, 0] == 9 and m[::3].time.tolist() == m.time[::3].tolist()
    np.testing.assert_array_equal(m[2:4].head_pose, m.head_pose[2:4])
    assert m.fps == pytest.approx(10) and m.duration == pytest.approx(.9) and np.isnan(m[:1].fps)
    with pytest.raises(ValueError, match='ascend'):
        m[::-1]


def test_resample_meets_the_frames_and_keeps_holes():
    valid = np.ones((10, 17), bool)
    valid[4, 2] = False
    mesh = Mesh(np.random.default_rng(1).normal(size=(10, 5, 3)), np.array([[0, 1, 2]]), 'x',
                dict(pose=turning()[:, None, :3, :3], betas=np.arange(10.)[:, None]))
    m = motion(valid=valid, head_pose=turning(), mesh=mesh, filled=np.arange(10) == 7)
    double = m.resample(20)
    assert len(double) == 19 and double.fps == pytest.approx(20)
    np.testing.assert_allclose(double.joints[::2], m.joints, atol=1e-12)
    np.testing.assert_allclose(double.joints[1], (m.joints[0] + m.joints[1]) / 2)
    assert np.flatnonzero(~double.valid[:, 2]).tolist() == [7, 8, 9] and double.valid[:, 3].all()
    assert np.flatnonzero(double.filled).tolist() == [13, 14, 15]
    half = Rotation.from_rotvec([0, 0, .15]).as_matrix()
    np.testing.assert_allclose(double.head_pose[3, :3, :3], half, atol=1e-12)
    np.testing.assert_allclose(double.mesh.parameters['pose'][3, 0], half, atol=1e-12)
    assert double.mesh.parameters['betas'][3, 0] == pytest.approx(1.5) and double.mesh.faces is mesh.faces


def test_resample_does_not_bridge_a_gap():
    m = motion(10)[np.r_[0:4, 7:10]]
    out = m.resample(10)
    assert len(out) == 10 and np.flatnonzero(~out.valid[:, 0]).tolist() == [4, 5, 6]
    assert m.resample(10, max_gap=1).valid.all()
    assert m.resample(time=np.array([-1., .1, 9])).valid[:, 0].tolist() == [False, True, False]
    with pytest.raises(ValueError, match='either fps or time'):
        m.resample()
    with pytest.raises(ValueError, match='positive'):
        m.resample(0)
    assert m[:1].resample(30).time.tolist() == [0] and m[:1].resample(30).valid.all() and len(m[:0].resample(30)) == 0


def test_concatenate_moves_times_and_checks_what_is_joined():
    a, b = motion(4, confidence=np.ones((4, 17))), motion(3)
    joined = Motion.concatenate([a, b], gap=.5)
    np.testing.assert_allclose(joined.time, [0, .1, .2, .3, .8, .9, 1.])
    np.testing.assert_array_equal(joined.joints, np.concatenate([a.joints, b.joints]))
    assert joined.confidence is None and len(Motion.concatenate([a[:2], a[2:]]).confidence) == 4
    assert Motion.concatenate([a[:2], a[2:2], a[2:]], gap=.1).time == pytest.approx(a.time)
    with pytest.raises(ValueError, match='ascend'):
        Motion.concatenate([a, b])
    with pytest.raises(ValueError, match="person '' and '2'"):
        Motion.concatenate([a, motion(3, person=2)])
    with pytest.raises(ValueError, match='no motion'):
        Motion.concatenate([])


def test_change_of_skeleton_follows_the_weakest_joint():
    valid, spread = np.ones((10, 17), bool), np.zeros((10, 17))
    valid[:, 11], spread[:, 12] = False, .3
    joints = motion().joints.copy()
    joints[:, 11] = np.nan
    confidence = np.tile(np.linspace(0, 1, 17), (10, 1))
    m = Motion(np.arange(10.), joints, 'coco17', valid, spread=spread, confidence=confidence)
    h36m = m.convert('h36m17')
    assert np.flatnonzero(~h36m.valid[0]).tolist() == [0, 4, 7]  # pelvis, left hip, spine
    there = h36m.valid[0]
    np.testing.assert_array_equal(h36m.joints[:, there], convert_joints(joints, 'coco17', 'h36m17')[:, there])
    assert h36m.confidence[0, 8] == pytest.approx(5 / 16) and h36m.spread[0, [1, 7]].tolist() == [.3, .3]
    assert m.convert('coco17') is m
    with pytest.raises(KeyError, match='no conversion'):
        m.convert('hand21')


def test_frames_of_reference_go_round():
    pose = turning()
    m = motion(head_pose=pose, head_valid=np.arange(10) != 3, mesh=Mesh(np.ones((10, 4, 3)), np.zeros((0, 3), int)))
    camera = m.to_camera()
    np.testing.assert_allclose(camera.joints[5], (m.joints[5] - pose[5, :3, 3]) @ pose[5, :3, :3], atol=1e-12)
    assert camera.frame == 'camera' and np.flatnonzero(~camera.valid[:, 0]).tolist() == [3]
    back = camera.to_world()
    np.testing.assert_allclose(back.joints, m.joints, atol=1e-12)
    np.testing.assert_allclose(back.mesh.vertices, 1, atol=1e-12)
    np.testing.assert_allclose(motion(frame='camera').to_world(pose[5]).joints[0],
                               m.joints[0] @ pose[5, :3, :3].T + pose[5, :3, 3], atol=1e-12)
    with pytest.raises(ValueError, match='needs a head track'):
        motion().to_camera()
    with pytest.raises(ValueError, match='relative to the world, not the camera'):
        motion().to_world()
    with pytest.raises(ValueError, match='not known'):
        motion().to_root().to_camera(np.eye(4))


def test_root_is_the_middle_of_the_hips_where_a_skeleton_has_none(monkeypatch):
    valid = np.ones((10, 17), bool)
    valid[2, 12] = False
    m = motion(valid=valid)
    root = m.to_root()
    np.testing.assert_allclose(root.joints[0], m.joints[0] - m.joints[0, [11, 12]].mean(0), atol=1e-12)
    assert root.frame == 'root' and not root.valid[2].any() and root.valid[3].all()
    h36m = m.convert('h36m17').to_root()
    assert np.abs(h36m.joints[h36m.valid[:, 0], 0]).max() < 1e-12 and not h36m.valid[2].any()
    monkeypatch.setitem(skeleton._SKELETONS, 'stick', Skeleton('stick', ('top', 'bottom'), ((0, 1),)))
    with pytest.raises(ValueError, match='neither a root nor hips'):
        Motion([0.], np.zeros((1, 2, 3)), 'stick').to_root()


def test_upright_has_z_up_whatever_the_frame():
    pose = np.tile(np.eye(4), (10, 1, 1))
    pose[:, :3, :3] = [[1, 0, 0], [0, 0, 1], [0, -1, 0]]  # a level camera that looks along y
    world = motion(head_pose=pose)
    assert world.upright() is world
    level = np.stack([world.joints[..., 0], world.joints[..., 2], -world.joints[..., 1]], -1)
    camera = motion(frame='camera').upright()
    assert camera.frame == 'world'
    np.testing.assert_array_equal(camera.joints, level)
    pose[3:, :3, 3] = 1, 2, 3  # the head track tells where the camera is
    np.testing.assert_allclose(world.to_camera().upright().joints, world.joints, atol=1e-12)
    root = motion(frame='root').upright()
    assert root.frame == 'root' and root.upright() is root
    np.testing.assert_array_equal(root.joints, level)
    of_world, of_camera = motion().to_root(), motion(frame='camera').to_root()
    assert of_world.upright() is of_world and of_world.provenance['axes'] == 'world'
    np.testing.assert_allclose(of_camera.upright().joints, camera.to_root().joints, atol=1e-12)


def test_a_motion_is_told_in_one_line():
    motion = Motion(np.arange(4) / 30, np.zeros((4, 17, 3)), 'coco17', valid=np.arange(4)[:, None] < np.full(17, 3),
                    person='left', filled=np.arange(4) == 1, head_pose=np.tile(np.eye(4), (4, 1, 1)))
    assert repr(motion) == (
        "Motion(person='left', 4 frames in 0.10 s, joints of coco17 in the frame 'world', 75% valid, "
        '1 frames filled in, head track)')
    assert repr(motion[:0]).startswith("Motion(person='left', 0 frames in 0.00 s")


@pytest.mark.parametrize('options, message', [
    (dict(time=[np.nan]), 'time should be'), (dict(time=[0.2, 0.1]), 'time should be'),
    (dict(time=0.1), 'time should be'), (dict(fps=np.inf), 'fps should be positive'),
    (dict(fps=np.nan), 'fps should be positive'),
    (dict(fps=1e9), 'more than 10000000'), (dict(fps=30, max_gap=np.nan), 'max_gap')])
def test_resampling_at_times_that_are_none(options, message):
    motion = Motion(np.arange(5) / 30, np.zeros((5, 17, 3)), 'coco17')
    for part in (motion, motion[:1]) if 'more than' not in message else (motion,):
        with pytest.raises(ValueError, match=message) as error:
            part.resample(**options)
        assert '\n' not in str(error.value)


@pytest.mark.parametrize('start', [0.0, 1.7e9])
def test_times_of_any_clock_lose_no_frame(start):
    time = start + np.arange(100) / 30
    joints = np.tile(np.arange(100.0)[:, None, None], (1, 17, 3))
    valid = np.ones((100, 17), bool)
    valid[50] = False
    even = Motion(time, joints, 'coco17', valid).resample(fps=30)
    assert len(even) == 100
    np.testing.assert_array_equal(even.valid, valid)
    np.testing.assert_allclose(even.joints, joints, atol=1e-4)
    assert even.time[-1] <= time[-1]


def test_keypoints_follow_their_frames_and_joints():
    keypoints = np.tile(np.arange(10.0)[:, None, None] + [0, 100], (1, 17, 1))
    keypoints[4, 2] = np.nan
    m = motion(keypoints=keypoints, image_size=[640.0, 480], head_pose=turning())
    assert m.image_size == (640, 480) and m.keypoints.dtype == np.float32 and 'keypoints' in repr(m)
    np.testing.assert_array_equal(m.cut(.2, .4).keypoints, m.keypoints[2:4])
    double = m.resample(20)
    assert double.keypoints[1, 0].tolist() == [0.5, 100.5] and double.image_size == (640, 480)
    assert np.flatnonzero(np.isnan(double.keypoints[:, 2, 0])).tolist() == [7, 8, 9]
    holed = m[np.r_[0:4, 7:10]].resample(10)
    assert np.flatnonzero(np.isnan(holed.keypoints[:, 0, 0])).tolist() == [4, 5, 6]  # a gap is not bridged
    h36m = m.convert('h36m17')
    np.testing.assert_array_equal(h36m.keypoints, convert_joints(m.keypoints, 'coco17', 'h36m17'))
    np.testing.assert_array_equal(m.to_camera().keypoints, m.keypoints)
    parts = [m[:3], m[3:]]
    np.testing.assert_array_equal(Motion.concatenate(parts).keypoints, m.keypoints)
    for other in (replace(m[3:], image_size=(320, 240)), replace(m[3:], keypoints=None)):
        joined = Motion.concatenate([m[:3], other])
        assert joined.keypoints is None and joined.image_size is None


@pytest.mark.parametrize('dtype', [np.float16, np.float32, np.float64])
def test_places_beyond_the_solar_system_are_not_valid(dtype):
    joints = np.zeros((2, 17, 3), dtype)
    joints[0, 3, 1] = 6e4 if dtype == np.float16 else 1e30
    pose = np.tile(np.eye(4), (2, 1, 1))
    pose[1, 0, 3] = -1e30
    made = Motion(np.arange(2.), joints, 'coco17', head_pose=pose)
    assert made.valid.sum() == (34 if dtype == np.float16 else 33) and made.head_valid.tolist() == [True, False]
    with pytest.raises(ValueError, match='finite and ascend, but row 1'):
        Motion(np.array([0, 1e300]), joints, 'coco17')
