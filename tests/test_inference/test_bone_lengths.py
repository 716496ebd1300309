"""Bones of one length: which they are, and that joints move little."""
import numpy as np
import pytest
from helpers.noisy_motion import CLIP, NOISY, TIME, TRUTH, motion

from mmegopose.inference.bone_lengths import constant_bone_lengths, stiff_bones
from mmegopose.motion import Motion
from mmegopose.structures import get_skeleton

RNG = np.random.default_rng(1)


def lengths(joints, bones):
    return np.stack([np.linalg.norm(joints[:, a] - joints[:, b], axis=-1) for a, b in bones], 1)


def test_stiff_bones_are_those_that_do_not_bend():
    coco = get_skeleton('coco17')
    names = {frozenset(coco.joints[j] for j in bone) for bone in stiff_bones(coco)}
    assert not names & {frozenset(('left-ear', 'left-shoulder')), frozenset(('left-shoulder', 'left-hip'))}
    assert frozenset(('left-hip', 'right-hip')) in names and frozenset(('left-knee', 'left-ankle')) in names
    assert len(names) == 8 + 2 + 5
    h36m = get_skeleton('h36m17')
    bent = {frozenset(h36m.joints[j] for j in edge) for edge in set(h36m.edges) - set(stiff_bones(h36m))}
    assert bent == {frozenset(pair) for pair in (('pelvis', 'spine'), ('spine', 'thorax'), ('thorax', 'neck-nose'), (
        'thorax', 'left-shoulder'), ('thorax', 'right-shoulder'))}
    measured = lengths(TRUTH, stiff_bones(coco))
    assert (measured.std(0) / measured.mean(0)).max() < .01  # of the real performer


@pytest.mark.parametrize('skeleton', ['coco17', 'h36m17'])
def test_bones_get_one_length(skeleton):
    joints = NOISY if skeleton == 'coco17' else CLIP.joints_h36m + RNG.normal(0, .02, TRUTH.shape)
    valid = RNG.random(TRUTH.shape[:2]) > .1
    start = Motion(TIME, joints, skeleton, valid)
    out, report = constant_bone_lengths(start)
    bones = stiff_bones(get_skeleton(skeleton))
    both = np.stack([valid[:, a] & valid[:, b] for a, b in bones], 1)
    for number, (a, b) in enumerate(bones):
        found = lengths(out.joints, [(a, b)])[both[:, number], 0]
        names = f'{get_skeleton(skeleton).joints[a]} to {get_skeleton(skeleton).joints[b]}'
        np.testing.assert_allclose(found, report['lengths'][names], rtol=1e-4)
        assert report['variation'][names] > .01
    np.testing.assert_array_equal(out.joints[~valid], joints[~valid])
    assert .005 < report['moved'] < .03 and out.provenance['smoothing'][0]['method'] == 'constant_bone_lengths'
    again, second = constant_bone_lengths(out)
    assert second['moved'] < 1e-4


def test_given_lengths_and_pinned_joints():
    pose = np.tile(np.eye(4), (len(TIME), 1, 1))
    wanted = {('left-knee', 'left-ankle'): .5, ('nose', 'left-eye'): .1}
    out, report = constant_bone_lengths(motion(head_pose=pose), wanted)
    np.testing.assert_allclose(lengths(out.joints, [(13, 15)]), .5, rtol=1e-4)
    np.testing.assert_array_equal(out.joints[:, :5], NOISY[:, :5])  # the head is on the device
    assert list(report['lengths']) == ['left-knee to left-ankle', 'nose to left-eye']
    pinned, _ = constant_bone_lengths(motion(), pinned=[15])
    np.testing.assert_array_equal(pinned.joints[:, 15], NOISY[:, 15])
    with pytest.raises(KeyError, match="no joint 'knee'"):
        constant_bone_lengths(motion(), {('knee', 'left-hip'): 1})
    empty, report = constant_bone_lengths(motion(valid=np.zeros(TRUTH.shape[:2], bool)))
    assert report['lengths'] == {} and report['moved'] == 0
