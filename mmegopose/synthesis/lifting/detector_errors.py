"""Errors of a 2D keypoint detector, drawn anew for each window and epoch."""
import numpy as np
import torch
from torch import Tensor

from ...datasets.random import KeyedRandom
from ...registry import TRANSFORMS
from ...structures import get_skeleton
from .detector import BIAS, LOST_ERROR, LOST_RATE, LOST_TIME, SWAP_RATE, SWAP_TIME, joint_jitter

FPS = 30.0
GONE_TIME = 0.6  # seconds that a limb or a person is gone, on average


@TRANSFORMS.register_module()
class DetectorErrors:
    """The errors of :func:`.detect`, of detectors that are better and worse than that one, and of joints that are gone.

    Each window has a detector of its own: the size of its errors, a place at which it puts each joint, and how its
    confidence falls with the error. Limbs and whole frames are not there for a while; keypoints and confidence are
    then 0, and ``detected (B,T,J)`` is False.

    Args:
        size: range of a factor of the size of the errors of :func:`.detect`.
        place: standard deviation of the constant offset of each joint, shares of the size of the person.
        limbs: how often each limb goes for a while, per second, in half of the windows; the others keep theirs.
        frames: how often the whole person goes for a while, likewise.
    """

    def __init__(self, size: tuple = (0.5, 1.5), place: float = 0.01, limbs: float = 0.15, frames: float = 0.1):
        self.size, self.place, self.limbs, self.frames = size, place, limbs, frames

    def __call__(self, batch: dict) -> dict:
        random, skeleton = batch['random'], get_skeleton(batch['skeleton'])
        keypoints, detected = batch['keypoints'], batch['detected']
        points = keypoints[..., :2].double()  # (B,T,J,2)
        B, T, J, _ = points.shape
        person = self._person(points, detected)[..., None, None]  # (B,T,1,1)
        jitter = points.new_tensor(joint_jitter(skeleton))[:, None]
        factor = random.uniform(1, 1, 1, low=self.size[0], high=self.size[1])
        lost = _bursts(random, (T, J), LOST_RATE, LOST_TIME)[..., None]  # (B,T,J,1)
        error = factor * jitter * (_drift(random, (T, J, 2), 0.1) + BIAS * _drift(random, (T, J, 2), 2.0)) \
            + lost * LOST_ERROR * _drift(random, (T, J, 2), 0.1) + self.place * random.normal(1, J, 2)
        swapped = _bursts(random, (T, 1), SWAP_RATE, SWAP_TIME)[..., None]  # (B,T,1,1)
        seen = torch.where(swapped, points[:, :, list(skeleton.limb_flips['leg'])], points) + person * error
        wrong = (seen - points).norm(dim=-1) / person[..., 0]  # (B,T,J)
        fall = random.uniform(1, 1, low=4.0, high=12.0)
        confidence = ((-fall * wrong).exp() + 0.05 * random.normal(T, J)).clamp(0.01, 1)
        gone = self._gone(random, skeleton, T) | ~detected
        keypoints = torch.cat([seen, confidence[..., None]], -1).masked_fill(gone[..., None], 0)
        return batch | dict(keypoints=keypoints[..., :batch['keypoints'].shape[-1]].float(), detected=~gone)

    @staticmethod
    def _person(points: Tensor, detected: Tensor) -> Tensor:
        """Diagonal of the person in the image, ``(B,T)``; at least a hundredth of it."""
        far = torch.where(detected[..., None], points, torch.nan)
        low, high = torch.nan_to_num(far, torch.inf).amin(2), torch.nan_to_num(far, -torch.inf).amax(2)
        return torch.nan_to_num((high - low).norm(dim=-1), 0.01, 0.01, 0.01).clamp(min=0.01)

    def _gone(self, random: KeyedRandom, skeleton, T: int) -> Tensor:
        """Joints that are gone, ``(B,T,J)``."""
        hit = random.uniform(1, 2) < 0.5
        limbs = list(skeleton.limbs.values())
        away = _bursts(random, (T, len(limbs)), self.limbs, GONE_TIME) & hit[..., :1]  # (B,T,L)
        inner = random.uniform(1, len(limbs)) < 0.5  # the joint at the trunk stays
        gone = torch.zeros(len(hit), T, skeleton.num_joints, dtype=torch.bool)
        for number, joints in enumerate(limbs):
            for place, name in enumerate(joints):
                gone[..., skeleton.index(name)] |= away[..., number] & ((place > 0) | ~inner[..., number])
        return gone | (_bursts(random, (T, 1), self.frames, GONE_TIME / 3) & hit[..., 1:])


def _drift(random: KeyedRandom, shape: tuple, seconds: float) -> Tensor:
    """Gaussian noise ``(B,T,...)`` of variance 1 whose correlation over time falls to 1/e within ``seconds``."""
    keep = np.exp(-1 / (FPS * seconds))
    apart = np.subtract.outer(np.arange(shape[0]), np.arange(shape[0]))
    weights = np.where(apart >= 0, keep ** np.maximum(apart, 0), 0) * np.sqrt(1 - keep ** 2)
    weights[:, 0] /= np.sqrt(1 - keep ** 2)
    return torch.einsum('ts,bs...->bt...', torch.from_numpy(weights), random.normal(*shape))


def _bursts(random: KeyedRandom, shape: tuple, rate: float, seconds: float) -> Tensor:
    """Booleans ``(B,T,N)`` that are true for stretches of about ``seconds`` after events of ``rate`` per second."""
    begins, ends = random.uniform(*shape) < rate / FPS, random.uniform(*shape) < 1 / (FPS * seconds)
    begins[:, 0] = random.uniform(*shape[1:]) < rate * seconds  # as many as at any other time
    time = torch.arange(shape[0])[:, None]
    last_begin = torch.where(begins, time, -1).cummax(1).values
    return last_begin > torch.where(ends & ~begins, time, -1).cummax(1).values
