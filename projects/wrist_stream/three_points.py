"""Head and wrists as three points: the stream, the transform that makes it of labels, and its embedding."""
import torch
from torch import Tensor, nn

from mmegopose.geometry.rigid import apply_rigid, invert_rigid
from mmegopose.geometry.trajectory import heading_frame
from mmegopose.models.layers import read_stream
from mmegopose.registry import EMBEDDINGS, NECKS, TRANSFORMS
from mmegopose.structures import Stream, get_skeleton, register_stream


def mirror_sides(values: Tensor, flip: list) -> Tensor:
    """What ``(B,T,3,...)`` is in a mirror: the wrists change places, and of points ``(B,T,3,3)`` y changes its sign."""
    values = values[:, :, [0, 2, 1]]
    return values if values.dtype == torch.bool else values * values.new_tensor([1, -1, 1])


# The head, the left and the right wrist; metres, in the heading frame of the newest head (x forward, y left, z up).
register_stream(Stream('three_points', ('B', 'T', 3, 3), mask='three_points_detected', mirror=mirror_sides))
register_stream(Stream('three_points_detected', ('B', 'T', 3), mirror=mirror_sides))


@TRANSFORMS.register_module()
class AddThreePoints:
    """The streams ``three_points (B,T,3,3)`` and ``three_points_detected (B,T,3)``, as a headset that sees hands.

    The wrists are those of the labels, so it stands after the augmentation and before ``TargetFrame``, in a data set
    with ``target_frames='all'``. A wrist without a label is not detected.

    Args:
        lost_frames: share of frames in which a hand is not found.
        lost_hands: share of windows in which a hand is out of sight all the time.
    """

    def __init__(self, lost_frames: float = 0.1, lost_hands: float = 0.1):
        self.lost_frames, self.lost_hands = lost_frames, lost_hands

    def __call__(self, batch: dict) -> dict:
        if 'T_world_camera' not in batch:
            raise ValueError('AddThreePoints needs joints in the world: put it before TargetFrame')
        (B, T), head = batch['rows'].shape, batch['head_pose']
        if batch['joints'].shape[1] != T:
            raise ValueError(f"AddThreePoints needs the labels of all {T} frames: target_frames='all'")
        skeleton = get_skeleton(batch['skeleton'])
        wrists = [skeleton.index('left-wrist'), skeleton.index('right-wrist')]
        points = torch.cat([head[..., None, :3, 3], batch['joints'][:, :, wrists]], 2)  # (B, T, 3, 3), world
        points = apply_rigid(invert_rigid(heading_frame(head[:, -1:], batch['camera_axes'])), points)
        random = batch['random']
        found = (random.uniform(T, 2) >= self.lost_frames) & (random.uniform(1, 2) >= self.lost_hands)
        found = batch['visible'][:, :, wrists] & found  # (B, T, 2)
        detected = torch.cat([torch.ones(B, T, 1, dtype=torch.bool), found], 2)
        batch.setdefault('inputs', {}).update(
            three_points=torch.where(detected[..., None], points, 0).float(), three_points_detected=detected)
        return batch


@EMBEDDINGS.register_module()
class ThreePointEmbed(nn.Module):
    """Three tokens per frame: the head with the features of its track, and the wrists.

    Args:
        in_dim: features F of the head track.
        embed_dim: channels C.
    """

    scope = 'all'  # a token looks at all three points of all frames
    streams = ('head_pose', 'three_points')

    def __init__(self, in_dim: int, embed_dim: int):
        super().__init__()
        self.track = nn.Linear(in_dim, embed_dim)
        self.point = nn.Linear(3, embed_dim)
        self.which = nn.Parameter(torch.zeros(3, embed_dim))

    def forward(self, inputs: dict) -> Tensor:
        """``head_pose (B,T,F)`` and ``three_points (B,T,3,3)`` to ``(B,T,3,C)``."""
        track = self.track(read_stream(inputs, 'head_pose')).unsqueeze(2)  # (B, T, 1, C)
        return self.point(read_stream(inputs, 'three_points')) + self.which + nn.functional.pad(track, (0, 0, 0, 2))


@NECKS.register_module()
class HeadToken(nn.Module):
    """The token of the head alone, which has looked at the others: what ``JointHead`` makes a pose of."""

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """``(B,T,3,C) -> (B,T,1,C)``; the head is always there, so that the mask ``(B,T,3)`` says nothing here."""
        return tokens[:, :, :1]
