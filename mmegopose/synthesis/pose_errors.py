"""Errors of 2D detectors, for the training of networks that should not trust a 2D pose blindly."""
import torch
from torch import Tensor

from ..datasets.random import KeyedRandom
from ..structures import Skeleton

# Parts of joint names, from the trunk outwards; fingers are numbered outwards.
_LIMBS = (('shoulder', 'elbow', 'wrist', 'hand', 'thumb'), ('hip', 'knee', 'ankle', 'foot', 'toe'))
_SIDES = ('left', 'right')
_FINGERS = ('thumb', 'index', 'middle', 'ring', 'little')


class CorruptPose:
    """Disturb 2D poses the way that detectors do, every frame of its own.

    In this order: limbs exchange left and right, parts of limbs move, joints jitter, joints are lost, poses are lost.
    Sizes are shares of the person's size, the larger side of the box around its joints.

    Args:
        skeleton: of the poses, a body or ``'hand21'``. Joint names tell its
            chains: arms and legs, or fingers.
        jitter: standard deviation of each coordinate, a size.
        drop: share of joints that are lost.
        swap: share of frames in which the arms, and likewise the legs, are exchanged; hands have none.
        shift: share of chains that move, from a random joint to their end.
        shift_size: standard deviation of each coordinate of that movement, a size.
        whole: share of frames without a pose.

    Raises:
        ValueError: a share outside of [0,1] or a negative size.
    """

    def __init__(self, skeleton: Skeleton, jitter: float = 0.01, drop: float = 0.05, swap: float = 0.02,
                 shift: float = 0.05, shift_size: float = 0.1, whole: float = 0.1):
        shares = dict(drop=drop, swap=swap, shift=shift, whole=whole)
        if wrong := {name: share for name, share in shares.items() if not 0 <= share <= 1}:
            raise ValueError(f'shares should be in [0,1], got {wrong}')
        if min(jitter, shift_size) < 0:
            raise ValueError(f'sizes should not be negative, got jitter={jitter}, shift_size={shift_size}')
        self.jitter, self.drop, self.swap, self.shift = jitter, drop, swap, shift
        self.shift_size, self.whole = shift_size, whole
        self.order = _chain_order(skeleton)                                   # (K,J)
        self.length = self.order.amax(-1) + 1                                 # (K,)
        self.exchanges = _exchanges(skeleton)                                 # (2,J) or (0,J)

    def __call__(self, keypoints: Tensor, confidence: Tensor, random: KeyedRandom) -> tuple[Tensor, Tensor]:
        """Corrupted copies of ``keypoints (B,...,J,2)`` in any unit and ``confidence (B,...,J)``.

        Joints with a confidence of zero are missing: they have no part in the person's size. Row b of the result
        depends on its inputs and on key b of ``random`` only.
        """
        frames = keypoints.shape[1:-2]
        for exchange in self.exchanges:
            chosen = (random.uniform(*frames) < self.swap)[..., None]         # (B,...,1)
            keypoints = torch.where(chosen[..., None], keypoints[..., exchange, :], keypoints)
            confidence = torch.where(chosen, confidence[..., exchange], confidence)
        size = person_size(keypoints, confidence)[..., None, None]            # (B,...,1,1)

        chains, joints = self.order.shape
        begin = (random.uniform(*frames, chains) * self.length).long()        # (B,...,K)
        begin = torch.where(random.uniform(*frames, chains) < self.shift, begin, joints)
        moved = self.order >= begin[..., None]                                # (B,...,K,J)
        offset = self.shift_size * random.normal(*frames, chains, 2)          # (B,...,K,2)
        error = moved.mT.to(offset) @ offset + self.jitter * random.normal(*keypoints.shape[1:])
        keypoints = keypoints + (size * error).to(keypoints)

        lost = random.uniform(*confidence.shape[1:]) < self.drop
        lost = lost | (random.uniform(*frames) < self.whole)[..., None]
        return keypoints, confidence.masked_fill(lost, 0)


def person_size(keypoints: Tensor, confidence: Tensor) -> Tensor:
    """Larger side of the box around the joints ``(...,J,2)`` with a confidence ``(...,J)`` above zero, ``(...,)``."""
    seen = (confidence > 0)[..., None]
    extent = keypoints.masked_fill(~seen, -torch.inf).amax(-2) - keypoints.masked_fill(~seen, torch.inf).amin(-2)
    return extent.amax(-1).clamp(min=0)


def _chain_order(skeleton: Skeleton) -> Tensor:
    """Place of each joint in each chain, counted outwards, ``(K,J)``; -1 for joints of other chains."""
    parts = [[(side, part) for part in limb] for limb in _LIMBS for side in _SIDES]
    if not any('left' in joint for joint in skeleton.joints):
        parts = [[(finger, str(number)) for number in range(1, 5)] for finger in _FINGERS]
    return torch.tensor([[next((i for i, (a, b) in enumerate(chain) if a in joint and b in joint), -1)
                          for joint in skeleton.joints] for chain in parts])


def _exchanges(skeleton: Skeleton) -> Tensor:
    """Permutations that exchange the arms and the legs, ``(2,J)``, or none for hands, ``(0,J)``."""
    flip = list(skeleton.flip)
    if flip == sorted(flip):
        return torch.zeros(0, len(flip), dtype=torch.long)
    return torch.tensor([[flip[i] if any(part in joint for part in limb) else i
                          for i, joint in enumerate(skeleton.joints)] for limb in _LIMBS])
