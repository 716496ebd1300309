"""Skeletons as trees: parents and T poses by hand."""
import numpy as np
import pytest

from mmegopose.structures import Skeleton, all_skeletons, register_skeleton
from mmegopose.structures.skeleton_tree import skeleton_tree


def parents(name):
    tree = skeleton_tree(name)
    return {joint: tree.joints[parent] if parent >= 0 else None for joint, parent in zip(tree.joints, tree.parents)}


def test_coco_gets_a_pelvis_and_a_neck_and_goes_depth_first():
    found = parents('coco17')
    assert list(found.items()) == [
        ('pelvis', None), ('left-hip', 'pelvis'), ('left-knee', 'left-hip'), ('left-ankle', 'left-knee'),
        ('right-hip', 'pelvis'), ('right-knee', 'right-hip'), ('right-ankle', 'right-knee'), ('neck', 'pelvis'),
        ('nose', 'neck'), ('left-eye', 'nose'), ('left-ear', 'left-eye'), ('right-eye', 'nose'),
        ('right-ear', 'right-eye'), ('left-shoulder', 'neck'), ('left-elbow', 'left-shoulder'),
        ('left-wrist', 'left-elbow'), ('right-shoulder', 'neck'), ('right-elbow', 'right-shoulder'),
        ('right-wrist', 'right-elbow')]
    tree = skeleton_tree('coco17')
    assert tree.parents[:5] == (-1, 0, 1, 2, 0)
    assert tree.sources == ((11, 12), (11,), (13,), (15,), (12,), (14,), (16,), (5, 6), (0,), (1,), (3,), (2,), (4,),
                            (5,), (7,), (9,), (6,), (8,), (10,))
    assert [tree.joints[child] for child in tree.children(0)] == ['left-hip', 'right-hip', 'neck']


def test_bones_that_are_a_tree_stay_and_the_root_is_where_they_begin():
    assert skeleton_tree('h36m17').sources[0] == (0,) and len(skeleton_tree('h36m17').joints) == 17
    assert parents('mpi_inf_3dhp17')['pelvis'] is None and parents('mpi_inf_3dhp17')['head-top'] == 'head'
    found = parents('openpose18')  # without a root of its own
    assert found['neck'] is None and found['left-hip'] == 'neck' and len(found) == 18
    assert parents('lsp14')['head-top'] == 'neck' and 'pelvis' in parents('lsp14')
    register_skeleton(Skeleton('chain3', ('a', 'b', 'c'), ((1, 0), (1, 2)), root=0))
    assert parents('chain3') == {'a': None, 'b': 'a', 'c': 'b'}


def test_what_no_bone_reaches_hangs_at_the_root():
    register_skeleton(Skeleton('parts5', ('a', 'b', 'c', 'd', 'e'), ((0, 1), (3, 4), (4, 3), (1, 0))))
    assert parents('parts5') == {'a': None, 'b': 'a', 'c': 'a', 'd': 'a', 'e': 'a'}
    register_skeleton(Skeleton('bust', ('left-shoulder', 'right-shoulder', 'face', 'chin'), ((0, 1),), head=(2, 3)))
    assert parents('bust') == {'neck': None, 'left-shoulder': 'neck', 'right-shoulder': 'neck', 'face': 'neck',
                               'chin': 'face'}
    register_skeleton(Skeleton('legs', ('left-hip', 'right-hip', 'face'), (), head=(2,)))
    assert parents('legs') == {'pelvis': None, 'left-hip': 'pelvis', 'right-hip': 'pelvis', 'face': 'pelvis'}
    register_skeleton(Skeleton('pair2', ('left-hip', 'right-hip'), ()))
    assert parents('pair2') == {'pelvis': None, 'left-hip': 'pelvis', 'right-hip': 'pelvis'}
    register_skeleton(Skeleton('torso', ('left-hip', 'right-hip', 'thorax', 'left-hand', 'right-hand'), ((2, 3),),
                               root=2))
    assert parents('torso') == {'thorax': None, 'left-hand': 'thorax', 'right-hand': 'thorax', 'pelvis': 'thorax',
                                'left-hip': 'pelvis', 'right-hip': 'pelvis'}


@pytest.mark.parametrize('name', [s.name for s in all_skeletons() if 'left-hip' in s.joints])
def test_a_t_pose_faces_z_with_the_left_hand_at_x_and_is_its_own_mirror_image(name):
    tree = skeleton_tree(name)
    np.testing.assert_allclose(np.linalg.norm(tree.directions, axis=1), [0] + [1] * (len(tree.joints) - 1))
    way = dict(zip(tree.joints, tree.directions))
    for joint, direction in way.items():
        if joint.startswith('left-'):
            np.testing.assert_array_equal(way[joint.replace('left', 'right')], direction * [-1, 1, 1])
        elif 'right-' not in joint:
            assert direction[0] == 0
    for joint, expected in dict(knee=(0, -1, 0), ankle=(0, -1, 0), elbow=(1, 0, 0), wrist=(1, 0, 0), hand=(1, 0, 0),
                                shoulder=(1, 0, 0)).items():
        np.testing.assert_allclose(way.get(f'left-{joint}', expected), expected, atol=1e-12)
    for joint, axis, least in (('spine', 1, 1), ('neck', 1, 1), ('thorax', 1, 1), ('head', 1, 1), ('head-top', 1, 1),
                               ('left-hip', 0, 0.8), ('left-collar', 0, 0.7), ('nose', 2, 0.8), ('left-toe', 2, 0.9),
                               ('left-big-toe', 2, 0.9), ('left-foot', 2, 0.9), ('left-small-toe', 0, 0.8),
                               ('left-eye', 1, 0.6), ('left-pinky', 0, 0.9)):
        assert joint not in way or tree.parents[tree.joints.index(joint)] < 0 or way[joint][axis] >= least, joint
    for joint, axis in (('left-heel', 2), ('left-heel', 1), ('left-ear', 2), ('left-mouth', 1), ('left-hip', 1),
                        ('left-eye', 2), ('left-mouth', 2), ('left-small-toe', 2), ('left-big-toe', 1), ('left-toe', 1),
                        ('left-foot', 1), ('left-pinky', 2)):
        assert joint not in way or way[joint][axis] < -0.25, joint
    for joint, axis in (('left-heel', 0), ('left-ear', 1), ('left-big-toe', 0), ('left-hip', 2), ('left-collar', 2)):
        assert joint not in way or way[joint][axis] == 0, joint


def test_a_flat_right_hand_spreads_its_fingers():
    tree = skeleton_tree('hand21')
    way = dict(zip(tree.joints, tree.directions))
    angles = [np.degrees(np.arctan2(way[f'{finger}-4'][2], -way[f'{finger}-4'][0]))
              for finger in ('thumb', 'index', 'middle', 'ring', 'little')]
    np.testing.assert_allclose(angles, [45, 15, 3, -9, -21], atol=1e-9)
    assert not tree.directions[:, 1].any() and not tree.directions[0].any()


def test_joints_of_other_names_point_to_their_side_or_up():
    register_skeleton(Skeleton('bird', ('a', 'tail', 'left-wing', 'right-wing', 'shoulder'),
                               ((0, 1), (0, 2), (0, 3), (0, 4)), root=0))
    tree = skeleton_tree('bird')
    assert dict(zip(tree.joints, tree.directions.tolist())) == {
        'a': [0, 0, 0], 'tail': [0, 1, 0], 'left-wing': [1, 0, 0], 'right-wing': [-1, 0, 0], 'shoulder': [0, 1, 0]}
