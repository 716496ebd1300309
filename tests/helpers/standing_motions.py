"""Somebody who stands, and the camera on their head."""
import numpy as np

from mmegopose.motion import Motion
from mmegopose.structures import get_skeleton


def standing(num_frames=12, fps=30.0, shift=(0, 0, 0), **fields):
    """Somebody who stands, looks along +x, and walks slowly to their left."""
    skeleton = get_skeleton('coco17')
    heights = dict(nose=1.6, eye=1.65, ear=1.62, shoulder=1.45, elbow=1.2, wrist=0.95, hip=0.95, knee=0.5, ankle=0.1)
    sides = dict(left=0.2, right=-0.2)
    one = np.array([[0.1 * (name == 'nose'), sides.get(name.split('-')[0], 0), heights[name.split('-')[-1]]]
                    for name in skeleton.joints])
    joints = one + np.arange(num_frames)[:, None, None] * [0, 0.01, 0] + shift
    return Motion(np.arange(num_frames) / fps, joints, 'coco17', **fields)


def head_of(motion):
    """A head track that looks along +x at the height of the nose."""
    pose = np.tile(np.eye(4), (len(motion), 1, 1))
    pose[:, :3, :3] = np.array([[0, 0, 1], [-1, 0, 0], [0, -1, 0]])
    pose[:, :3, 3] = motion.joints[:, 0]
    return pose
