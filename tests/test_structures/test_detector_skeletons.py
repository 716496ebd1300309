"""The skeletons of 2D detectors and what they become, by the published tables of joints."""
import numpy as np
import pytest

from mmegopose.structures import convert_confidence, convert_joints, get_skeleton

# source joint of each joint of COCO-17
COCO = dict(openpose25=[0, 16, 15, 18, 17, 5, 2, 6, 3, 7, 4, 12, 9, 13, 10, 14, 11],
            openpose18=[0, 15, 14, 17, 16, 5, 2, 6, 3, 7, 4, 11, 8, 12, 9, 13, 10],
            mediapipe33=[0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28],
            halpe26=list(range(17)))
# source joints of each joint of Human3.6M
H36M = dict(
    halpe26=[[19], [12], [14], [16], [11], [13], [15], [18, 19], [18], [0], [17], [5], [7], [9], [6], [8], [10]],
    openpose25=[[8], [9], [10], [11], [12], [13], [14], [1, 8], [1], [0], [15, 16], [5], [6], [7], [2], [3], [4]],
    mediapipe33=[[23, 24], [24], [26], [28], [23], [25], [27], [11, 12, 23, 24], [11, 12], [0], [2, 5], [11], [13],
                 [15], [12], [14], [16]])


@pytest.mark.parametrize('name', COCO)
def test_coco_keypoints_of_a_detector(name):
    points = np.random.default_rng(0).normal(size=(3, get_skeleton(name).num_joints, 2))
    np.testing.assert_array_equal(convert_joints(points, name, 'coco17'), points[:, COCO[name]])


@pytest.mark.parametrize('name', H36M)
def test_human36m_joints_of_a_detector(name):
    points = np.random.default_rng(0).normal(size=(3, get_skeleton(name).num_joints, 3))
    score = np.random.default_rng(1).random((3, get_skeleton(name).num_joints))
    expected = np.stack([points[:, sources].mean(1) for sources in H36M[name]], 1)
    np.testing.assert_allclose(convert_joints(points, name, 'h36m17'), expected, atol=1e-12)
    np.testing.assert_array_equal(convert_confidence(score, name, 'h36m17'), np.stack(
        [score[:, sources].min(1) for sources in H36M[name]], 1))


@pytest.mark.parametrize('name', COCO)
def test_sides_and_edges_are_mirror_images(name):
    skeleton = get_skeleton(name)
    flip = skeleton.flip
    both = {frozenset(edge) for edge in skeleton.edges}
    assert {frozenset((flip[a], flip[b])) for a, b in both} == both
    if skeleton.root is not None:
        assert len(skeleton.edges) == skeleton.num_joints - 1
