"""The last poses of a stream as a Motion."""
from collections import deque

import numpy as np

from ...motion import Motion
from ...structures import get_skeleton
from .live_frame import LiveFrame


class LiveHistory:
    """Keeps the frames of the last seconds, and what a stream says where there is no pose.

    Args:
        skeleton: of the joints.
        frame: of reference, see :class:`.Motion`.
        num_frames: to keep at most.
        provenance: plain facts.
    """

    def __init__(self, skeleton: str, frame: str, num_frames: int, provenance: dict | None = None):
        self.skeleton, self.frame, self.provenance = skeleton, frame, dict(provenance or {})
        self.num_joints = get_skeleton(skeleton).num_joints
        self.frames: deque[tuple[LiveFrame, np.ndarray | None]] = deque(maxlen=num_frames)

    def add(self, frame: LiveFrame, head_pose: np.ndarray | None = None) -> LiveFrame:
        """Keep a frame, with the head pose ``(4,4)`` in the form of :class:`.Motion`; the same frame."""
        if self.frames and frame.time <= self.frames[-1][0].time:  # the clock was set back
            self.frames.clear()
        self.frames.append((frame, head_pose))
        return frame

    def without_pose(self, time: float, stretch: int, begin: float, note: str) -> LiveFrame:
        """A frame that is not valid; it is not kept."""
        return LiveFrame(time, np.full((self.num_joints, 3), np.nan), False, 0.0, stretch, max(time - begin, 0.0), 0,
                         note)

    def motion(self, person: str) -> Motion:
        """The frames that are kept; holes are times without a frame."""
        frames = [frame for frame, _ in self.frames]
        poses = [pose for _, pose in self.frames if pose is not None]
        joints = np.stack([frame.joints for frame in frames]) if frames else np.zeros((0, self.num_joints, 3))
        return Motion(np.array([frame.time for frame in frames]), joints, self.skeleton, frame=self.frame,
                      person=person, head_pose=np.stack(poses) if poses else None,
                      provenance=dict(self.provenance, live=True))
