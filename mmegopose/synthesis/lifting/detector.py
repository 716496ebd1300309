"""A model of what a 2D keypoint detector gets wrong."""
import numpy as np

from ...structures import Skeleton, get_skeleton

# Standard deviation of the jitter by joint, as a share of the size of the person in the image. Fine-tuned detectors on
# Human3.6M are about 1 % off (5 pixels of 450); ends of limbs are worse than the trunk, as in the sigmas of COCO.
JITTER = dict(hip=0.009, knee=0.011, ankle=0.015, foot=0.015, shoulder=0.009, elbow=0.012, wrist=0.016)
TRUNK_JITTER = 0.008
BIAS = 0.5  # share of the jitter's size that a joint is off for seconds, because it is labelled elsewhere
LOST_RATE, LOST_TIME, LOST_ERROR = 0.05, 0.2, 0.08  # losses per joint and second, their seconds, size of the error
SWAP_RATE, SWAP_TIME = 0.03, 0.15  # exchanges of left and right legs per second, their seconds


def detect(points: np.ndarray, fps: float, skeleton: str, rng: np.random.Generator) -> np.ndarray:
    """Detected keypoints of a sequence.

    Errors are correlated in time: jitter over 0.1 s, an offset that changes over 2 s, losses during which a joint is
    far off, and exchanged legs. Confidence falls with the size of the error, imperfectly, as real ones do.

    Args:
        points: ``(F,J,2)`` true image coordinates.
        fps: frames per second.
        skeleton: name of the skeleton.
        rng: decides everything random.

    Returns:
        ``(F,J,3)`` float32 with the confidence in [0,1] last.
    """
    frames, joints = points.shape[:2]
    size = np.linalg.norm(np.ptp(points, axis=1), axis=-1)[:, None, None]  # (F,1,1)
    jitter = joint_jitter(get_skeleton(skeleton))[:, None]  # (J,1)
    error = jitter * (_drift(rng, (frames, joints, 2), 0.1 * fps) + BIAS * _drift(rng, (frames, joints, 2), 2 * fps))
    lost = _bursts(rng, (frames, joints), LOST_RATE / fps, LOST_TIME * fps)[..., None]  # (F,J,1)
    error = error + lost * LOST_ERROR * _drift(rng, (frames, joints, 2), 0.1 * fps)
    detected = points + size * error
    swapped = _bursts(rng, (frames, 1), SWAP_RATE / fps, SWAP_TIME * fps)  # (F,1)
    detected = np.where(swapped[..., None], detected[:, get_skeleton(skeleton).limb_flips['leg']], detected)
    wrong = np.linalg.norm(detected - points, axis=-1) / size[..., 0]  # (F,J)
    confidence = np.exp(-8 * wrong) + 0.05 * rng.standard_normal(wrong.shape)
    return np.concatenate([detected, confidence.clip(0, 1)[..., None]], -1).astype(np.float32)


def joint_jitter(skeleton: Skeleton) -> np.ndarray:
    """Standard deviation of the jitter of each joint ``(J,)``, shares of the size of the person."""
    return np.array([next((value for part, value in JITTER.items() if joint.endswith('-' + part)), TRUNK_JITTER)
                     for joint in skeleton.joints])


def _drift(rng, shape: tuple, frames: float) -> np.ndarray:
    """Gaussian noise of variance 1 whose correlation over time falls to 1/e within ``frames``."""
    keep = np.exp(-1 / frames)
    start = rng.standard_normal((1, *shape[1:]))
    steps = np.sqrt(1 - keep ** 2) * rng.standard_normal(shape)
    from scipy.signal import lfilter  # a second, which nobody else in this room needs
    return lfilter([1], [1, -keep], steps, axis=0, zi=keep * start)[0]


def _bursts(rng, shape: tuple, rate: float, frames: float) -> np.ndarray:
    """Booleans that are true for stretches of about ``frames`` after events of ``rate`` per frame."""
    begins = rng.random(shape) < rate
    ends = rng.random(shape) < 1 / frames
    time = np.arange(shape[0]).reshape(-1, *[1] * (len(shape) - 1))
    last_begin = np.maximum.accumulate(np.where(begins, time, -1), axis=0)
    last_end = np.maximum.accumulate(np.where(ends & ~begins, time, -1), axis=0)
    return last_begin > last_end
