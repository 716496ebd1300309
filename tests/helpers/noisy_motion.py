"""The longest clip of the embedded sample, and the same with 2 cm of noise in each joint."""
import numpy as np

from mmegopose.datasets.mocap_sequences import MocapSequences
from mmegopose.datasets.shipped_motion import ASSET
from mmegopose.motion import Motion

CLIP = max(MocapSequences.load(ASSET), key=lambda clip: len(clip.joints))
TIME = np.arange(len(CLIP.joints)) / 30
TRUTH = CLIP.joints.astype(float)
NOISY = TRUTH + np.random.default_rng(0).normal(0, .02, TRUTH.shape)


def motion(joints=NOISY, **kwargs):
    return Motion(TIME, joints, 'coco17', **kwargs)
