"""The track of both hands in the world of a head track."""
from dataclasses import dataclass, field, replace

import numpy as np

from ....datasets.readers.head_pose.hand_poses import MAX_DISTANCE_M
from ....files import BadFile
from ....geometry.resampling import bracket, interpolate, interpolate_rotations
from ....motion import Motion
from ....structures import get_skeleton
from ..head_tracks.track import HeadTrack
from ..times import SLOW

HANDS = ('left', 'right')
SKELETON, NUM_JOINTS = 'hand21', 21


@dataclass(frozen=True, eq=False, repr=False)
class HandTrack:
    """Places of two hands, left and right: metres, world with z up, seconds of the device's clock.

    Attributes:
        time: ``(N,)`` ascending.
        joints: ``(N,2,21,3)`` joints of ``hand21``; without hand tracking only the wrist.
        valid: ``(N,2,21)`` bool: the joint is there.
        T_world_wrist: ``(N,2,4,4)`` pose of the wrist or controller in the axes of its maker; the identity where it is
            not there.
        wrist_valid: ``(N,2)`` bool: the wrist has a pose; its place alone is ``valid[..., 0]``.
        confidence: ``(N,2)`` in [0,1]; 0: not tracked.
        facts: plain facts: file, format, notes.
    """
    time: np.ndarray
    joints: np.ndarray
    valid: np.ndarray
    T_world_wrist: np.ndarray
    wrist_valid: np.ndarray
    confidence: np.ndarray
    facts: dict = field(default_factory=dict)

    def __repr__(self) -> str:
        if not len(self):
            return 'HandTrack(0 rows)'
        left, right = self.wrists_valid.mean(0)
        return (f'HandTrack({len(self)} rows in {np.ptp(self.time):.2f} s, the left wrist is seen in {left:.0%}, the '
                f'right one in {right:.0%})')

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.time)

    @property
    def wrists(self) -> np.ndarray:
        """``(N,2,3)`` places of the wrists; see :attr:`wrists_valid`."""
        return self.joints[:, :, 0]

    @property
    def wrists_valid(self) -> np.ndarray:
        """``(N,2)`` bool."""
        return self.valid[:, :, 0]

    def at(self, time: np.ndarray, max_gap: float = 0.1) -> 'HandTrack':
        """The hands at other times, e.g. those of the head track.

        A joint is there if it is there in both neighbouring rows and these are no farther apart than ``max_gap``
        seconds; so holes stay holes.
        """
        time = np.asarray(time, float)
        before, after, weight = places = bracket(self.time, time)
        near = (self.time[after] - self.time[before] <= max_gap + 1e-9) & (time >= self.time[0] - 1e-9) & (
            time <= self.time[-1] + 1e-9)

        def both(values):
            return values[before] & values[after] & near.reshape(-1, *[1] * (values.ndim - 1))

        wrist_valid = both(self.wrist_valid)
        poses = interpolate(self.T_world_wrist, *places)
        poses[:, :, :3, :3] = np.stack([interpolate_rotations(self.T_world_wrist[:, hand, :3, :3], *places)
                                        for hand in range(2)], 1)
        poses[~wrist_valid] = np.eye(4)
        confidence = np.where(near[:, None], np.minimum(self.confidence[before], self.confidence[after]), 0)
        return replace(self, time=time, joints=interpolate(self.joints, *places), valid=both(self.valid),
                       T_world_wrist=poses, wrist_valid=wrist_valid, confidence=confidence)

    def wrists_at(self, time: np.ndarray) -> np.ndarray:
        """Places of the wrists at other times, ``(M,2,3)``, NaN where a hand is not there.

        As :meth:`at` with 0.1 s, or 2.5 rows of a slower tracker, at most :data:`.times.SLOW`.
        """
        steps = np.diff(self.time)
        hands = self.at(time, min(max(0.1, 2.5 * float(np.median(steps)) if len(steps) else 0), SLOW))
        return np.where(hands.wrists_valid[..., None], hands.wrists, np.nan)

    def on_body(self, motion: Motion) -> Motion:
        """A motion of a body in the same world and clock, with the wrists of the hands where they are there.

        Raises ``ValueError`` for a motion that is not in a world, or whose skeleton has no wrists.
        """
        joints = get_skeleton(motion.skeleton).joints
        if motion.frame != 'world' or not {'left-wrist', 'right-wrist'} <= set(joints):
            raise ValueError(f'hands join a body in the world with a left-wrist and a right-wrist, not {motion}')
        wrists, places = self.wrists_at(motion.time), [joints.index(f'{side}-wrist') for side in HANDS]
        there = np.isfinite(wrists).all(-1)  # (T,2)
        moved, valid = motion.joints.copy(), motion.valid.copy()
        moved[:, places] = np.where(there[..., None], wrists, moved[:, places])
        valid[:, places] |= there
        told = dict(source=self.facts.get('source', ''), **dict(zip(HANDS, there.mean(0).tolist())))
        return replace(motion, joints=moved, valid=valid, provenance=dict(motion.provenance, hands=told))

    def motion(self, hand: str) -> Motion:
        """One hand as a :class:`.Motion` in the world, ``'left'`` or ``'right'``."""
        if hand not in HANDS:
            raise ValueError(f'hand={hand!r} should be one of {HANDS}')
        side = HANDS.index(hand)
        return Motion(self.time, self.joints[:, side], SKELETON, self.valid[:, side], person=hand,
                      confidence=np.repeat(self.confidence[:, side, None], NUM_JOINTS, 1), provenance=dict(
                          source=self.facts.get('source', '')))


def empty_hands(num_rows: int) -> dict:
    """Arrays of a :class:`HandTrack` in which nothing is there."""
    return dict(joints=np.zeros((num_rows, 2, NUM_JOINTS, 3)), valid=np.zeros((num_rows, 2, NUM_JOINTS), bool),
                T_world_wrist=np.tile(np.eye(4), (num_rows, 2, 1, 1)), wrist_valid=np.zeros((num_rows, 2), bool),
                confidence=np.zeros((num_rows, 2)))


def within_reach(hands: HandTrack, track: HeadTrack) -> HandTrack:
    """The hands of the wearer of a head track; joints that are out of reach are not there.

    Raises ``BadFile`` if the wrists are typically out of reach, or seen at no time of the track: another unit, another
    world, another clock, another recording.
    """
    source = hands.facts.get('source') or 'wrists'
    step = float(np.median(np.diff(hands.time))) if len(hands) > 1 else 0.0
    seen = np.isfinite(hands.wrists_at(track.time[track.valid])).any()
    if hands.wrists_valid.any() and (step > SLOW or not seen):
        raise BadFile(f'{source}: its times, {hands.time[0]:.2f} to {hands.time[-1]:.2f}, from row to row {step:.4g}, '
                      f'are not those of the head track, {track.time[0]:.2f} to {track.time[-1]:.2f} s: they should be '
                      'seconds (not milliseconds) of its clock')
    heads = interpolate(track.T_world_camera[track.valid, :3, 3], *bracket(track.time[track.valid], hands.time))
    distance = np.linalg.norm(hands.joints - heads[:, None, None], axis=-1)
    typical = np.median(distance[:, :, 0][hands.wrists_valid]) if hands.wrists_valid.any() else 0
    if typical > MAX_DISTANCE_M:
        raise BadFile(f'{source}: the wrists are typically {typical:.4g} m from the '
                      'head: they should be in metres, and in the world and the time of the head track')
    far = hands.valid & (distance > MAX_DISTANCE_M)
    if not far.any():
        return hands
    lost = far[:, :, 0]
    notes = [*hands.facts.get('notes', ()), f'{far.sum()} joints out of reach of the head are not there']
    return replace(hands, joints=np.where(far[..., None], 0, hands.joints), valid=hands.valid & ~far,
                   T_world_wrist=np.where(lost[..., None, None], np.eye(4), hands.T_world_wrist),
                   wrist_valid=hands.wrist_valid & ~lost, confidence=np.where(lost, 0, hands.confidence),
                   facts=dict(hands.facts, notes=notes))
