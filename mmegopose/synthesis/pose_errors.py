"""Errors of 2D detectors, for the training of networks that should not trust a 2D pose blindly."""
import torch
from torch import Tensor

from ..datasets.random import KeyedRandom
from ..datasets.store import SequenceStore
from ..registry import TRANSFORMS
from ..structures import Skeleton, get_skeleton


@TRANSFORMS.register_module()
class PoseErrors:
    """Disturbs ``pose_2d (B,T,J,2)`` and ``pose_2d_conf (B,T,J)`` the way that detectors err, every frame on its own.

    In this order: limbs exchange left and right, parts of limbs move, joints jitter, joints are lost, poses are lost.
    Sizes are shares of the person's size, the larger side of the box around its joints.

    Args:
        jitter: standard deviation of each coordinate, a size.
        drop: share of joints that are lost.
        swap: share of frames in which the arms, and likewise the legs, are exchanged; hands have none.
        shift: share of chains that move, from a random joint to their end.
        shift_size: standard deviation of each coordinate of that movement, a size.
        whole: share of frames without a pose.
        skeleton: of the poses, a body or a hand; its limbs are the chains: arms and legs, or fingers. None: that of the
            store.

    Raises:
        ValueError: a share outside of [0,1] or a negative size.
    """

    def __init__(self, jitter: float = 0.01, drop: float = 0.05, swap: float = 0.02, shift: float = 0.05,
                 shift_size: float = 0.1, whole: float = 0.1, skeleton: Skeleton | None = None):
        shares = dict(drop=drop, swap=swap, shift=shift, whole=whole)
        if wrong := {name: share for name, share in shares.items() if not 0 <= share <= 1}:
            raise ValueError(f'shares should be in [0,1], got {wrong}')
        if min(jitter, shift_size) < 0:
            raise ValueError(f'sizes should not be negative, got jitter={jitter}, shift_size={shift_size}')
        self.jitter, self.drop, self.swap, self.shift = jitter, drop, swap, shift
        self.shift_size, self.whole = shift_size, whole
        if skeleton is not None:
            self._prepare(skeleton)

    def bind(self, store: SequenceStore) -> None:
        """Look up the limbs of the store's skeleton."""
        self._prepare(get_skeleton(store.info['skeleton']))

    def _prepare(self, skeleton: Skeleton) -> None:
        self.order = _chain_order(skeleton)                                   # (K,J)
        self.limb_sizes = self.order.amax(-1) + 1                             # (K,)
        self.exchanges = torch.tensor(list(skeleton.limb_flips.values()), dtype=torch.long)  # (2,J) or (0,)

    def __call__(self, batch: dict) -> dict:
        points, confidence = self.disturb(batch['pose_2d'], batch['pose_2d_conf'], batch['random'])
        return batch | dict(pose_2d=points, pose_2d_conf=confidence)

    def disturb(self, keypoints: Tensor, confidence: Tensor, random: KeyedRandom) -> tuple[Tensor, Tensor]:
        """Disturbed copies of ``keypoints (B,...,J,2)`` in any unit and ``confidence (B,...,J)``.

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
        begin = (random.uniform(*frames, chains) * self.limb_sizes).long()        # (B,...,K)
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
    return torch.tensor([skeleton.steps_outwards(limb) for limb in skeleton.limbs])
