"""Lifted people in front of the camera and on the floor."""
import numpy as np
import pytest

from mmegopose.datasets.mocap_sequences import MocapSequences
from mmegopose.datasets.shipped_motion import ASSET
from mmegopose.geometry.cameras import perspective
from mmegopose.geometry.conventions import invert
from mmegopose.geometry.root_translation import pinhole
from mmegopose.inference import place_in_camera, stand_upright
from mmegopose.motion import Motion

CAMERA = pinhole((1280, 720), 60)


def looking(pitch: float, roll: float = 0.0, height: float = 1.5) -> np.ndarray:
    """Camera to world ``(4,4)`` of a camera that looks along y, down by ``pitch`` degrees; up leans to
    the right by ``roll`` in its image."""
    p, r = np.radians([pitch, roll])
    axes = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
    down = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    turn = np.array([[np.cos(r), np.sin(r), 0], [-np.sin(r), np.cos(r), 0], [0, 0, 1]])
    pose = np.eye(4)
    pose[:3, :3], pose[2, 3] = axes @ down @ turn, height
    return pose


def walker(num_frames=900) -> np.ndarray:
    """World joints ``(T,17,3)`` of somebody who walks, 4 m before the origin, feet on z = 0."""
    def way(one):
        return np.abs(np.diff(one.joints_h36m[:, 0, :2], axis=0)).sum()

    joints = max(MocapSequences.load(ASSET), key=way).joints_h36m[:num_frames]
    joints = joints - [*joints[:, 0, :2].mean(0), 0] + [0, 4.5, 0]
    ankles = joints[:, [3, 6], 2]
    return joints - [0, 0, np.quantile(ankles, 0.05) - 0.075]


def seen(world, pose):
    """Motion in camera axes, and its image."""
    camera = (np.concatenate([world, np.ones_like(world[..., :1])], -1) @ invert(pose).T)[..., :3]
    return camera, perspective(camera, CAMERA[:2], CAMERA[2:])


def lifted(world, pose):
    camera, points = seen(world, pose)
    motion = Motion(np.arange(len(world)) / 30, camera - camera[:, :1], 'h36m17', frame='root')
    return motion, points, camera


def test_a_motion_goes_where_the_camera_sees_it():
    motion, points, camera = lifted(walker(), looking(10))
    placed = place_in_camera(motion, points, CAMERA, np.ones(points.shape[:2]))
    np.testing.assert_allclose(placed.joints, camera, atol=1e-6)
    assert placed.frame == 'camera' and placed.valid.all() and placed.spread.max() < 1e-5
    told = placed.provenance['placement']
    assert told['num_frames'] == len(motion) and told['depth'] == pytest.approx(np.median(camera[:, 0, 2]))


def test_noise_and_holes():
    motion, points, camera = lifted(walker(), looking(10))
    rng = np.random.default_rng(1)
    weight = np.ones(points.shape[:2])
    weight[10:20] = 0
    placed = place_in_camera(motion, points + rng.normal(0, 4, points.shape), CAMERA, weight)
    assert not placed.valid[10:20].any() and placed.valid[20:].all()
    off = np.linalg.norm(placed.joints[:, 0] - camera[:, 0], axis=-1)[placed.valid[:, 0]]
    told = placed.provenance['placement']
    assert np.median(off) < 0.2 and told['residual_pixels'] == pytest.approx(4 * np.sqrt(2), rel=.2)
    assert 0.3 < np.median(off) / told['spread'] < 3


def test_a_taller_person_is_farther_away():
    motion, points, camera = lifted(walker(), looking(0))
    taller = Motion(motion.time, motion.joints * 1.05, 'h36m17', frame='root')
    placed = place_in_camera(taller, points, CAMERA, np.ones(points.shape[:2]))
    np.testing.assert_allclose(placed.joints[:, 0], camera[:, 0] * 1.05, atol=1e-5)


@pytest.mark.parametrize('pitch, roll', [(0, 0), (15, 0), (-10, 4), (35, -3)])
def test_the_floor_is_level(pitch, roll):
    world = walker()
    camera, _ = seen(world, looking(pitch, roll))
    other, _ = seen(world + [0.6, 0.4, 0], looking(pitch, roll))
    motions = [Motion(np.arange(len(world)) / 30, points, 'h36m17', frame='camera') for points in (camera, other)]
    upright = stand_upright(motions)
    told = upright[0].provenance['upright']
    assert all(motion.frame == 'world' for motion in upright)
    assert abs(told['camera_pitch'] - pitch) < 3 and abs(told['camera_roll'] - roll) < 3
    trunk = (upright[0].joints[:, 8] - upright[0].joints[:, 0]).mean(0)
    assert np.degrees(np.arccos(trunk[2] / np.linalg.norm(trunk))) < 12
    assert told['camera_height'] == pytest.approx(1.5, abs=0.25) and told['still_feet'] > 100
    # Both people stand on one floor, and where they stood before, up to a turn about the vertical.
    for motion in upright:
        assert abs(np.quantile(motion.joints[:, [3, 6], 2], 0.05) - 0.075) < 0.08
    apart = (upright[1].joints - upright[0].joints)[:, 0]
    assert np.abs(apart[:, 2]).max() < 0.05 and np.linalg.norm(apart, axis=1) == pytest.approx(np.hypot(.6, .4))


def test_lifted_people_with_noise_come_upright():
    world, pose = walker(), looking(20)
    motion, points, _ = lifted(world, pose)
    rng = np.random.default_rng(2)
    shaken = Motion(motion.time, motion.joints + rng.normal(0, .02, motion.joints.shape), 'h36m17', frame='root')
    placed = place_in_camera(shaken, points + rng.normal(0, 3, points.shape), CAMERA, np.ones(points.shape[:2]))
    upright, = stand_upright([placed])
    told = upright.provenance['upright']
    assert abs(told['camera_pitch'] - 20) < 4 and abs(told['camera_roll']) < 4
    assert told['camera_height'] == pytest.approx(1.5, abs=0.3)


def test_what_cannot_be_known_is_told():
    motion = Motion(np.arange(5) / 30, np.full((5, 17, 3), np.nan), 'h36m17', frame='camera')
    with pytest.raises(ValueError, match='vertical is not known'):
        stand_upright([motion])
    with pytest.raises(ValueError, match='relative to the root, not the camera'):
        stand_upright([Motion(motion.time, motion.joints, 'h36m17', frame='root')])
