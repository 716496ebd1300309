"""Skeletons and the conversions between them."""
import numpy as np
import pytest
import torch

from mmegopose.structures import Skeleton, all_skeletons, convert_confidence, convert_joints, get_skeleton

NAMES = ('coco17', 'h36m17', 'h36m32', 'humaneva15', 'mpi_inf_3dhp17', 'mpi_inf_3dhp28')
EVERY = tuple(skeleton.name for skeleton in all_skeletons())
LEFT_RIGHT = dict(
    h36m17=([4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]),
    h36m32=([6, 7, 8, 9, 10, *range(16, 24)], [1, 2, 3, 4, 5, *range(24, 32)]),
    mpi_inf_3dhp17=([5, 6, 7, 11, 12, 13], [2, 3, 4, 8, 9, 10]),
    humaneva15=([2, 3, 4, 8, 9, 10], [5, 6, 7, 11, 12, 13]),
    coco17=([1, 3, 5, 7, 9, 11, 13, 15], [2, 4, 6, 8, 10, 12, 14, 16]))
H36M_OF_32 = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]
MPI_OF_28 = [7, 5, 14, 15, 16, 9, 10, 11, 23, 24, 25, 18, 19, 20, 4, 3, 6]
MPI_OF_H36M = [10, 8, 14, 15, 16, 11, 12, 13, 1, 2, 3, 4, 5, 6, 0, 7, 9]


def points(name, *leading, dims=3, seed=0):
    return np.random.default_rng(seed).normal(size=(*leading, get_skeleton(name).num_joints, dims))


@pytest.mark.parametrize('name', NAMES)
def test_every_skeleton_is_consistent(name):
    skeleton = get_skeleton(name)
    joints = np.arange(skeleton.num_joints)
    assert skeleton.name == name and len(set(skeleton.joints)) == len(joints)
    flip = np.array(skeleton.flip)
    np.testing.assert_array_equal(flip[flip], joints)
    sided = [j for j, joint in enumerate(skeleton.joints) if 'left' in joint or 'right' in joint]
    assert flip[sided].tolist() != sided and all(flip[j] == j for j in joints if j not in sided)
    assert {(flip[a], flip[b]) for a, b in skeleton.edges} | {(flip[b], flip[a]) for a, b in skeleton.edges} == \
        {*skeleton.edges} | {(b, a) for a, b in skeleton.edges}
    assert {*skeleton.non_head} <= {*joints}
    if skeleton.root is not None:  # a tree: every other joint has one parent and a way to the root
        parent = {b: a for a, b in skeleton.edges}
        assert len(skeleton.edges) == len(joints) - 1 and {*parent} == {*joints} - {skeleton.root}
        for joint in parent:
            steps = [joint]
            while steps[-1] in parent:
                steps.append(parent[steps[-1]])
                assert len(steps) <= len(joints)


@pytest.mark.parametrize('name', EVERY)
def test_limbs_are_chains_of_bones_and_what_follows_from_them_agrees(name):
    skeleton = get_skeleton(name)
    for limb, names in skeleton.limbs.items():
        steps = skeleton.steps_outwards(limb)
        assert [steps[skeleton.index(joint)] for joint in names][:3] == [0, 1, 2][:len(names)]
        assert {joint for joint, step in zip(skeleton.joints, steps) if step >= 0} == {*names}
        assert all(step < 0 for joint, step in enumerate(steps) if joint in skeleton.head)
    flip = np.array(skeleton.flip)
    for kind, swap in skeleton.limb_flips.items():
        members = {*skeleton.limbs[f'left-{kind}'], *skeleton.limbs[f'right-{kind}']}
        assert {joint for j, joint in enumerate(skeleton.joints) if swap[j] != j} == members
    assert set(skeleton.limb_flips) == (set() if name == 'hand21' else {'arm', 'leg'})
    assert all(swap[j] in (j, flip[j]) for swap in skeleton.limb_flips.values() for j in range(skeleton.num_joints))
    style = skeleton.style
    assert style.edges == skeleton.edges and len(style.edge_colors) == len(skeleton.edges)
    assert len(style.joint_colors) == skeleton.num_joints and 0.01 < style.radius < 0.03


def test_parts_are_those_of_the_official_weights():
    assert {name: get_skeleton(name).parts for name in NAMES if get_skeleton(name).parts} == dict(
        h36m17=(0, 1, 1, 1, 2, 2, 2, 0, 0, 0, 0, 3, 3, 3, 4, 4, 4),
        mpi_inf_3dhp17=(0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 0, 0, 0),
        coco17=(0, 0, 0, 0, 0, 3, 4, 3, 4, 3, 4, 2, 1, 2, 1, 2, 1))


@pytest.mark.parametrize('name', LEFT_RIGHT)
def test_flip_swaps_the_published_left_and_right_joints(name):
    expected = np.arange(get_skeleton(name).num_joints)
    left, right = LEFT_RIGHT[name]
    expected[left + right] = right + left
    assert list(get_skeleton(name).flip) == expected.tolist()


def test_roots_and_unknown_names():
    assert {name: get_skeleton(name).root for name in NAMES} == dict(
        coco17=None, h36m17=0, h36m32=0, humaneva15=0, mpi_inf_3dhp17=14, mpi_inf_3dhp28=4)
    with pytest.raises(KeyError, match="unknown skeleton 'h36m'.*h36m17"):
        get_skeleton('h36m')
    with pytest.raises(KeyError, match="'h36m17' has no joint 'nose', but .*'head-top'"):
        get_skeleton('h36m17').index('nose')


def test_a_tree_of_parents_its_steps_and_its_colours():
    tree = Skeleton.from_parents('own', 'x a b', (1, -1, 0), limbs=dict(leg=('a', 'x')))
    assert tree.edges == ((1, 0), (0, 2)) and tree.root == 1 and tree.joints == ('x', 'a', 'b')
    assert tree.steps_outwards('leg') == (1, 0, -1) and tree.parts is None and tree.limb_flips == {}
    assert tree.style.edge_colors == ((255, 0, 0), (0, 255, 255))  # hues all around
    assert tree.style.joint_colors == ((255, 0, 0), (255, 0, 0), (0, 255, 255))
    assert Skeleton('one', ('a', 'b', 'c'), ((1, 2),)).style.joint_colors[0] == (255, 255, 255)
    colors = ((1, 2, 3), (4, 5, 6), (7, 8, 9))
    painted = Skeleton('own', ('x', 'a', 'b'), ((1, 0), (0, 2)), joint_colors=colors, radius=0.02).style
    assert painted.edge_colors == (colors[0], colors[2]) and painted.joint_colors == colors and painted.radius == 0.02


@pytest.mark.parametrize('source, target, index', [
    ('h36m32', 'h36m17', H36M_OF_32), ('mpi_inf_3dhp28', 'mpi_inf_3dhp17', MPI_OF_28),
    ('h36m17', 'mpi_inf_3dhp17', MPI_OF_H36M), ('mpi_inf_3dhp17', 'h36m17', np.argsort(MPI_OF_H36M)),
    ('h36m32', 'mpi_inf_3dhp17', np.array(H36M_OF_32)[MPI_OF_H36M]), ('coco17', 'coco17', range(17))])
def test_joints_are_selected(source, target, index):
    x = points(source, 2, 5).astype(np.float32)
    expected = x[..., list(index), :]
    got = convert_joints(x, source, target)
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, expected)
    torch.testing.assert_close(convert_joints(torch.from_numpy(x), source, target), torch.from_numpy(expected),
                               rtol=0, atol=0)


def test_coco_to_h36m_rule():
    x = points('coco17', 4, dims=2)
    y = convert_joints(x, 'coco17', 'h36m17')
    hips, shoulders = x[:, [11, 12]].mean(1), x[:, [5, 6]].mean(1)
    for joint, expected in ((0, hips), (8, shoulders), (7, (hips + shoulders) / 2), (9, x[:, 0]),
                            (10, x[:, [1, 2]].mean(1)), (1, x[:, 12]), (13, x[:, 9])):
        np.testing.assert_allclose(y[:, joint], expected, atol=1e-12)
    direct = convert_joints(x, 'coco17', 'mpi_inf_3dhp17')
    np.testing.assert_allclose(direct, convert_joints(y, 'h36m17', 'mpi_inf_3dhp17'), atol=1e-12)


def test_conversions_commute_with_mirroring_and_keep_what_is_shared():
    flips = {name: list(get_skeleton(name).flip) for name in NAMES}
    for source, target in (('coco17', 'h36m17'), ('humaneva15', 'h36m17'), ('h36m17', 'humaneva15'),
                           ('coco17', 'humaneva15'), ('mpi_inf_3dhp28', 'humaneva15')):
        x = points(source, 3)
        np.testing.assert_allclose(convert_joints(x[:, flips[source]], source, target),
                                   convert_joints(x, source, target)[:, flips[target]], atol=1e-12)
        np.testing.assert_allclose(convert_joints(np.ones_like(x), source, target), 1, atol=1e-12)
    x = points('humaneva15', 3)
    np.testing.assert_array_equal(convert_joints(convert_joints(x, 'humaneva15', 'h36m17'), 'h36m17', 'humaneva15'), x)


def test_a_missing_joint_touches_only_its_own_targets():
    x = points('coco17')
    x[1] = np.nan
    y = convert_joints(x, 'coco17', 'h36m17')
    assert np.isnan(y).all(-1).nonzero()[0].tolist() == [10]
    visible = np.isfinite(x).all(-1)
    assert (convert_confidence(visible, 'coco17', 'h36m17') == np.isfinite(y).all(-1)).all()


def test_confidence_is_the_least_of_the_contributors():
    score = np.linspace(0.1, 0.9, 17)
    got = convert_confidence(score, 'coco17', 'h36m17')
    for joint, contributors in ((0, [11, 12]), (7, [5, 6, 11, 12]), (9, [0]), (10, [1, 2]), (3, [16])):
        assert got[joint] == score[contributors].min()
    for many in (np.broadcast_to(score, (2, 3, 17)), torch.from_numpy(score).expand(2, 3, 17)):
        np.testing.assert_array_equal(convert_confidence(many, 'coco17', 'h36m17'), np.broadcast_to(got, (2, 3, 17)))
    seen = torch.from_numpy(score > 0.5)
    assert convert_confidence(seen, 'coco17', 'h36m17').dtype == torch.bool


def test_integers_become_floats():
    x = np.arange(34).reshape(17, 2)
    expected = convert_joints(x.astype(float), 'coco17', 'h36m17')
    np.testing.assert_array_equal(convert_joints(x, 'coco17', 'h36m17'), expected)
    np.testing.assert_array_equal(convert_joints(torch.from_numpy(x), 'coco17', 'h36m17'), expected)


def test_impossible_conversions():
    with pytest.raises(KeyError, match="from 'h36m17' to 'coco17'.*'humaneva15', 'mpi_inf_3dhp17'"):
        convert_joints(points('h36m17'), 'h36m17', 'coco17')
    with pytest.raises(KeyError, match="unknown skeleton 'body25'"):
        convert_joints(points('h36m17'), 'body25', 'h36m17')
    with pytest.raises(ValueError, match='h36m32 has 32 joints, got 17'):
        convert_joints(points('h36m17'), 'h36m32', 'h36m17')
    with pytest.raises(ValueError, match='coco17 has 17 joints, got 15'):
        convert_confidence(np.ones((3, 15)), 'coco17', 'h36m17')
