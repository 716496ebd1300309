"""The stream of the wrists: where hands are that a headset sees, and loses."""
import torch
from torch import Tensor

from ...geometry.rigid import apply_rigid, invert_rigid
from ...geometry.trajectory import heading_frame
from ...registry import TRANSFORMS
from ...structures import get_skeleton
from ..random import KeyedRandom, check_shares


@TRANSFORMS.register_module()
class WristPlaces:
    """The streams ``wrists (B,T,2,3)`` and ``wrists_detected (B,T,2)``: left and right, as a headset sees them.

    Places are metres in the heading frame of the newest head, as those of ``HeadPoseFeatures(kind='gravity_aligned')``,
    and 0 where a hand is not seen. They are those of hand tracking, ``wrists (B,T,2,3)`` of :class:`ReadHeadPose`,
    where the store has any; else those of the labels of all frames (``target_frames='all'``), and a hand without a
    label is not seen. So it stands after the augmentation, which moves both, and before ``TargetFrame``.

    By default a hand is seen wherever its place is known. For training, and to test what a loss costs:

    Args:
        lost_frames: share of frames in which a hand is not seen, each hand and frame by itself.
        lost_stretches: share of windows in which a hand is not seen for a stretch of random length.
        lost_hands: share of windows in which a hand is never seen.
        lost_all: share of windows in which no hand is ever seen.
        noise: standard deviation per axis in each frame, metres.
        offset: standard deviation per axis of an error that a hand has all the time, metres: trackers differ in what
            they call the wrist.

    Raises:
        ValueError: a share that is none, joints that are not in the world any more, or labels of the last frame only.
    """

    def __init__(self, lost_frames: float = 0.0, lost_stretches: float = 0.0, lost_hands: float = 0.0,
                 lost_all: float = 0.0, noise: float = 0.0, offset: float = 0.0):
        check_shares(lost_frames=lost_frames, lost_stretches=lost_stretches, lost_hands=lost_hands, lost_all=lost_all)
        self.lost_frames, self.lost_stretches = lost_frames, lost_stretches
        self.lost_hands, self.lost_all = lost_hands, lost_all
        self.noise, self.offset = noise, offset
        self.disturbs = any((lost_frames, lost_stretches, lost_hands, lost_all, noise, offset))

    def __call__(self, batch: dict) -> dict:
        places, known = self._known(batch)
        frame = heading_frame(batch['head_pose'][:, -1:], batch['camera_axes'])
        places = apply_rigid(invert_rigid(frame), torch.where(known[..., None], places, 0))
        if self.disturbs:
            random, T = batch['random'], places.shape[1]
            places = places + self.noise * random.normal(T, 2, 3) + self.offset * random.normal(1, 2, 3)
            known = known & ~self._lost(random, T)
        batch.setdefault('inputs', {}).update(
            wrists=torch.where(known[..., None], places, 0).float(), wrists_detected=known)
        return batch

    def _known(self, batch: dict) -> tuple[Tensor, Tensor]:
        """Places in the world ``(B,T,2,3)``, and where there are any ``(B,T,2)``."""
        if 'T_world_camera' not in batch:
            raise ValueError('WristPlaces needs joints in the world: put it before TargetFrame')
        if 'wrists' in batch:
            return batch['wrists'], batch['wrists'].isfinite().all(-1)
        T = batch['rows'].shape[1]
        if batch['joints'].shape[1] != T:
            raise ValueError(f'the data has no tracked hands, so WristPlaces takes the wrists of the labels and needs '
                             f"those of all {T} frames: target_frames='all'")
        skeleton = get_skeleton(batch['skeleton'])
        wrists = [skeleton.index('left-wrist'), skeleton.index('right-wrist')]
        return batch['joints'][:, :, wrists], batch['visible'][:, :, wrists]

    def _lost(self, random: KeyedRandom, num_frames: int) -> Tensor:
        """Where a hand is not seen though its place is known, ``(B,T,2)``."""
        frames = random.uniform(num_frames, 2) < self.lost_frames
        begin, end = random.uniform(2, 2).sort(1).values.split(1, 1)  # (B, 1, 2), parts of the window
        begins_at = (torch.arange(num_frames) / num_frames)[:, None]  # (T, 1)
        stretch = (begins_at >= begin) & (begins_at < end)
        # Half of the stretches last until the newest frame, the one that is predicted.
        until_now = begins_at >= begin
        stretch = torch.where(random.uniform(1, 2) < 0.5, until_now, stretch)
        stretch &= random.uniform(1, 2) < self.lost_stretches
        return frames | stretch | (random.uniform(1, 2) < self.lost_hands) | (random.uniform(1, 1) < self.lost_all)
