"""BVH files, read back by bvhio and by the reader of motion capture."""
import numpy as np
import pytest
from helpers.noisy_motion import CLIP, TIME
from helpers.written_motions import holes, y_up
from scipy.spatial.transform import Rotation

from mmegopose.datasets.converters.bvh import bvh_kinematics, read_bvh
from mmegopose.geometry.bone_rotations import continuous_angles, swing
from mmegopose.inference.writers import write_motion
from mmegopose.motion import Motion
from mmegopose.structures import all_skeletons, get_skeleton


def places(path, frame):
    """Joints by name, as bvhio computes them."""
    root = pytest.importorskip('bvhio', reason='bvhio is in the extra "tests"').readAsHierarchy(str(path))
    root.loadPose(frame)
    return {joint.Name: np.array(joint.PositionWorld) for joint, _, _ in root.layout()}


def steady(skeleton='h36m17', frames=20):
    """Bones of constant length that turn wildly."""
    from mmegopose.structures.skeleton_tree import skeleton_tree
    tree, random = skeleton_tree(skeleton), np.random.default_rng(3)
    points = np.zeros((frames, len(tree.joints), 3))
    points[:, 0] = random.normal(size=(frames, 3))
    for joint, parent in enumerate(tree.parents):
        if parent >= 0:
            way = random.normal(size=(frames, 3))
            points[:, joint] = points[:, parent] + 0.1 * (joint + 1) * way / np.linalg.norm(way, axis=-1, keepdims=True)
    number = {joint: i for i, joint in enumerate(tree.joints)}
    order = [number[joint] for joint in get_skeleton(skeleton).joints]
    return Motion(np.arange(frames) / 25, points[:, order], skeleton)


@pytest.mark.parametrize('skeleton', ['h36m17', 'smpl24', 'hand21', 'mpi_inf_3dhp28'])
def test_places_are_exact_where_bones_have_one_length(tmp_path, skeleton):
    motion = steady(skeleton)
    path, notes = tmp_path / 'a.bvh', write_motion(motion, tmp_path / 'a.bvh').notes
    assert any('0.0 mm off' in note for note in notes)
    for frame in (0, 7, 19):
        found = places(path, frame)
        for i, joint in enumerate(get_skeleton(skeleton).joints):
            np.testing.assert_allclose(found[joint] / 100, y_up(motion.joints[frame, i]), atol=2e-5)


def test_real_motion_is_kept_to_two_millimetres_and_the_note_is_true(tmp_path):
    motion = Motion(TIME, CLIP.joints_h36m.astype(float), 'h36m17')[:200]
    note = write_motion(motion, tmp_path / 'a.bvh', unit='m').notes[-1]
    told = float(note.split('joints are ')[1].split(' mm')[0])
    off = []
    for frame in range(0, 200, 20):
        found = places(tmp_path / 'a.bvh', frame)
        off.append([np.linalg.norm(found[joint] - y_up(motion.joints[frame, i]))
                    for i, joint in enumerate(get_skeleton('h36m17').joints)])
    assert abs(np.mean(off) * 1000 - told) < 0.3 and np.mean(off) < 0.002


def test_the_reader_of_motion_capture_agrees(tmp_path):
    motion = steady()
    write_motion(motion, tmp_path / 'a.bvh', unit='mm')
    places, _ = bvh_kinematics(read_bvh(tmp_path / 'a.bvh'))
    np.testing.assert_allclose(places['left-wrist'] / 1000, y_up(motion.joints[:, 13]), atol=2e-5)


def test_holes_are_bridged_and_told(tmp_path):
    motion = holes()
    notes = write_motion(motion, tmp_path / 'a.bvh').notes
    assert any('20 frames without a pose are bridged' in note for note in notes)
    assert any('5 frames have missing joints' in note for note in notes)
    low, high = (places(tmp_path / 'a.bvh', frame)['pelvis'] for frame in (49, 70))
    middle = places(tmp_path / 'a.bvh', 59)['pelvis']
    np.testing.assert_allclose(middle, low + (high - low) * 10 / 21, atol=1e-3)
    assert 'nan' not in (tmp_path / 'a.bvh').read_text().lower()


def test_uneven_frames_come_at_one_rate_and_that_is_told(tmp_path):
    motion = steady()
    time = motion.time.copy()
    time[10:] += 0.013
    notes = write_motion(Motion(time, motion.joints, 'h36m17'), tmp_path / 'a.bvh').notes
    assert 'resampled' in notes[0]
    assert 'Frame Time: 0.04000000' in (tmp_path / 'a.bvh').read_text()


def test_angles_do_not_jump():
    turns = np.linspace(0, 3 * np.pi, 200)
    for axis in np.eye(3):
        rotation = Rotation.from_rotvec(turns[:, None] * axis).as_matrix()
        angles = continuous_angles(rotation)
        assert np.abs(np.diff(angles, axis=0)).max() < 4
        np.testing.assert_allclose(Rotation.from_euler('ZXY', angles, degrees=True).as_matrix(), rotation, atol=1e-9)


def test_swing_turns_as_little_as_may_be_also_half_a_turn():
    base = np.tile(np.eye(3), (3, 1, 1))
    turned = swing(np.array([0., 1, 0]), np.array([[0., -2, 0], [1, 0, 0], [0, 0, 0]]), base)
    np.testing.assert_allclose(turned @ [0, 1, 0], [[0, -1, 0], [1, 0, 0], [0, 1, 0]], atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(turned), 1)
    np.testing.assert_allclose(np.trace(turned, axis1=1, axis2=2), [-1, 1, 3], atol=1e-12)


@pytest.mark.parametrize('skeleton', [skeleton.name for skeleton in all_skeletons()])
def test_every_skeleton_is_a_tree(tmp_path, skeleton):
    from mmegopose.structures.skeleton_tree import skeleton_tree
    tree = skeleton_tree(skeleton)
    assert set(get_skeleton(skeleton).joints) <= set(tree.joints) and len(set(tree.joints)) == len(tree.joints)
    assert tree.parents[0] == -1 and all(0 <= parent < joint for joint, parent in enumerate(tree.parents) if joint)
    np.testing.assert_allclose(np.linalg.norm(tree.directions[1:], axis=-1), 1)
    names = [tree.joints[tree.parents[joint]] for joint in range(1, len(tree.joints))]
    if 'left-knee' in tree.joints:
        assert names[tree.joints.index('left-knee') - 1] == 'left-hip'
