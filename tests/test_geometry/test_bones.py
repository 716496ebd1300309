"""Rotations and shapes of bones, against scipy and by hand."""
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mmegopose.geometry.bone_rotations import continuous_angles, fit_rotation, swing, tree_rotations
from mmegopose.geometry.bone_shapes import TRIANGLES, octahedra

RNG = np.random.default_rng(0)


def test_a_swing_is_the_smallest_turn():
    base, rest = Rotation.random(50, random_state=0).as_matrix(), np.array([0.6, 0, 0.8])
    wanted = RNG.normal(size=(50, 3))
    turned = swing(rest, wanted, base)
    unit = wanted / np.linalg.norm(wanted, axis=-1, keepdims=True)
    np.testing.assert_allclose(turned @ rest, unit, atol=1e-12)
    angle = np.arccos(((base @ rest) * unit).sum(-1))
    np.testing.assert_allclose(Rotation.from_matrix(turned @ base.swapaxes(1, 2)).magnitude(), angle, atol=1e-9)
    np.testing.assert_allclose(swing(rest, -(base @ rest), base) @ rest, -(base @ rest), atol=1e-12)  # half a turn
    np.testing.assert_array_equal(swing(rest, 0 * wanted, base), base)
    near = Rotation.from_rotvec([0, 0.01, 0]).as_matrix() @ -(base @ rest)[..., None]  # nearly half a turn
    np.testing.assert_allclose(swing(rest, near[..., 0], base) @ rest, near[..., 0], atol=1e-9)
    tiny = swing(rest, 1e-8 * wanted, base)
    np.testing.assert_allclose(tiny, turned, atol=1e-12)


def test_a_fit_is_that_of_scipy():
    rest, turn = RNG.normal(size=(4, 3)), Rotation.random(20, random_state=1)
    directions = np.einsum('tij,kj->tki', turn.as_matrix(), rest) + RNG.normal(0, 0.3, (20, 4, 3))
    directions[0] *= (1, 1, -1)  # as if mirrored
    expected = [Rotation.align_vectors(each, rest)[0].as_matrix() for each in directions]
    np.testing.assert_allclose(fit_rotation(rest, directions), expected, atol=1e-9)


def test_what_a_fit_leaves_open_is_as_in_the_base():
    base, rest = Rotation.random(6, random_state=2).as_matrix(), np.array([[0, 0, 1.], [0, 0, -1]])
    directions = np.einsum('tij,kj->tki', base, rest)
    np.testing.assert_allclose(fit_rotation(rest, directions, base), base, atol=1e-9)


def test_angles_of_the_other_triple_are_taken_where_they_are_nearer():
    wanted = np.stack([np.linspace(0, 400, 90), np.linspace(60, 120, 90), np.linspace(-30, 250, 90)], -1)
    rotation = Rotation.from_euler('ZXY', wanted, degrees=True).as_matrix()  # the middle angle passes 90 degrees
    np.testing.assert_allclose(continuous_angles(rotation), wanted, atol=1e-6)
    np.testing.assert_allclose(continuous_angles(rotation[:1]), wanted[:1], atol=1e-9)


def test_angles_of_a_wild_turn_move_as_little_as_its_own():
    wanted = np.cumsum(RNG.normal(0, 9, (900, 3)), 0)  # the middle angle passes 90 degrees time and again
    angles = continuous_angles(Rotation.from_euler('ZXY', wanted, degrees=True).as_matrix())
    np.testing.assert_allclose(np.abs(np.diff(angles, axis=0)), np.abs(np.diff(wanted, axis=0)), atol=1e-6)


def test_a_tree_follows_its_bones():
    """A trunk that branches, and an arm of two bones; places of rotated rest poses give the rotations back."""
    parents, directions = (-1, 0, 0, 1), np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.]])
    root, arm = (Rotation.random(5, random_state=seed).as_matrix() for seed in (3, 4))
    points = np.zeros((5, 4, 3))
    points[:, 1], points[:, 2] = 0.3 * root[..., 0], 0.2 * root[..., 1]
    points[:, 3] = points[:, 1] + 0.4 * arm[..., 2]
    found = {joint: (turn, base) for joint, turn, base in tree_rotations(points, parents, directions, range(4))}
    np.testing.assert_allclose(found[0][0], root, atol=5e-3)  # but for the weight of what they would leave open
    root = found[0][0]
    np.testing.assert_allclose(found[1][0], swing(directions[3], arm[..., 2], root), atol=1e-9)
    np.testing.assert_array_equal(found[2][0], root)  # an end turns with its parent
    np.testing.assert_array_equal(found[3][0], found[1][0])
    np.testing.assert_array_equal(found[3][1], found[1][0])
    assert (found[0][1] == np.eye(3)).all()


@pytest.mark.parametrize('length, radius', [(0.2, 0.018), (0.01, 0.002), (1.0, 0.025), (5e-4, 0.002)])
def test_an_octahedron_by_hand(length, radius):
    way = np.array([2., -1, 2]) / 3
    begins, bones = np.array([[1., 2, 3], [0, 0, 0]]), np.array([length * way, [0, 0, 0.3]])
    corners, other = octahedra(begins, begins + bones)
    np.testing.assert_array_equal(other, octahedra(begins[1:], begins[1:] + bones[1:])[0])
    np.testing.assert_allclose(corners[[0, 5]] - [1, 2, 3], [0 * way, length * way], atol=1e-12)
    ring = corners[1:5] - [1, 2, 3]
    np.testing.assert_allclose(ring @ way, 0.2 * length, atol=1e-12)  # a fifth of the way
    across = ring - 0.2 * length * way
    np.testing.assert_allclose(across @ across.T, radius ** 2 * np.array(
        [[1, 0, -1, 0], [0, 1, 0, -1], [-1, 0, 1, 0], [0, -1, 0, 1]]), atol=1e-12)
    volume = np.linalg.det(corners[TRIANGLES] - [5, 5, 5]).sum() / 6  # positive: all faces look outwards
    assert volume == pytest.approx(2 / 3 * radius ** 2 * length)


def test_a_bone_without_length_stands_up_and_is_small():
    corners = octahedra(np.zeros((1, 3)), np.zeros((1, 3)))[0]
    np.testing.assert_allclose(np.linalg.norm(corners, axis=-1), [0, 0.002, 0.002, 0.002, 0.002, 0], atol=1e-12)
    np.testing.assert_allclose(corners[:, 1], 0, atol=1e-12)
