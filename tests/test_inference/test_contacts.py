"""The floor and the feet on it."""
import numpy as np
import pytest

from mmegopose.datasets.mocap_sequences import MocapSequences
from mmegopose.datasets.shipped_motion import ASSET
from mmegopose.inference.contacts import foot_contacts, on_floor
from mmegopose.motion import Mesh, Motion

ANKLES = (15, 16)


def walker(floor=0.0, rise=.15, skeleton='coco17', seconds=6, fps=30):
    """Somebody who steps left and right in turn, a second each: the standing ankle does not move."""
    time = np.arange(seconds * fps) / fps
    joints = np.zeros((len(time), 17, 3))
    joints[..., 2] = 1 + floor
    phase = time % 2
    for side, start in ((15, 0.0), (16, 1.0)):
        swing = (phase - start) % 2 < 1
        up = np.sin(np.pi * ((phase - start) % 2))
        joints[:, side, 2] = .075 + floor + np.where(swing, rise * up, 0)
        steps = np.floor((time - start) / 2) + np.where(swing, (phase - start) % 2, 1)
        joints[:, side, 0] = .6 * steps
    stands = np.stack([(phase - start) % 2 >= 1 for start in (0.0, 1.0)], 1)
    return Motion(time, joints, skeleton), stands


@pytest.mark.parametrize('floor', [0.0, -1.5, .3])
def test_floor_and_contacts_of_a_walk(floor):
    motion, stands = walker(floor)
    found = foot_contacts(motion)
    assert found.floor == pytest.approx(floor, abs=.005) and found.joints == ('left-ankle', 'right-ankle')
    inner = found.valid & ~np.isin((motion.time * 30).round() % 30, (0, 1, 2, 27, 28, 29))[:, None]  # not at the change
    np.testing.assert_array_equal(found.contact[inner], stands[inner])
    assert found.sliding.max() < .06 and f'floor at {found.floor:.3f} m' in found.describe()
    moved = on_floor(motion)
    assert foot_contacts(moved).floor == pytest.approx(0, abs=1e-6) and moved.provenance['floor'] == found.floor


def test_a_known_floor_is_taken():
    motion, _ = walker()
    assert not foot_contacts(motion, floor=-1.0).contact.any() and foot_contacts(motion, floor=0.0).contact.any()


def test_the_motion_itself_does_not_change_but_by_on_floor():
    motion, _ = walker(.4)
    pose = np.tile(np.eye(4), (len(motion), 1, 1))
    whole = Motion(motion.time, motion.joints, 'coco17', head_pose=pose, mesh=Mesh(motion.joints.copy(), np.zeros(
        (0, 3), int)))
    before = whole.joints.copy()
    foot_contacts(whole)
    np.testing.assert_array_equal(whole.joints, before)
    down = on_floor(whole)
    np.testing.assert_allclose(down.head_pose[:, 2, 3], -.4, atol=.005)
    np.testing.assert_allclose(down.mesh.vertices, down.joints, atol=1e-9)


def test_holes_are_not_contacts():
    motion, stands = walker()
    valid = np.ones((len(motion), 17), bool)
    valid[40:50, 15] = False
    found = foot_contacts(Motion(motion.time, motion.joints, 'coco17', valid))
    assert not found.contact[38:52, 0].any() and not found.valid[38:52, 0].any() and found.valid[38:52, 1].all()


def test_nobody_stands_still():
    motion, _ = walker()
    flying = Motion(motion.time, motion.joints + motion.time[:, None, None] * [3, 0, 0], 'coco17')
    found = foot_contacts(flying)
    assert np.isnan(found.floor) and not found.contact.any() and 'not found' in found.describe()
    with pytest.raises(ValueError, match='not known'):
        on_floor(flying)
    assert np.isnan(foot_contacts(motion[:3]).floor) and np.isnan(foot_contacts(motion[:0]).floor)


def test_wrong_frames_and_skeletons():
    motion, _ = walker()
    with pytest.raises(ValueError, match='relative to the camera'):
        foot_contacts(Motion(motion.time, motion.joints, 'coco17', frame='camera'))
    with pytest.raises(ValueError, match="'hand21' has no joint of a foot"):
        foot_contacts(Motion([0.], np.zeros((1, 21, 3)), 'hand21'))


def test_the_floor_of_real_motion():
    """Clips of the sample whose people stand on a level floor, known to be at z = 0 to some centimetres."""
    names = ('walk', 'kick', 'punch', 'spin', 'dance_b')
    clips = [clip for clip in MocapSequences.load(ASSET) if clip.action in names]
    floors = [foot_contacts(Motion(np.arange(len(c.joints)) / 30, c.joints, 'coco17')).floor for c in clips]
    found = [floor for floor in floors if np.isfinite(floor)]
    assert len(found) >= 3 and np.abs(found).max() < .06
