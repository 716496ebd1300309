"""What comes out of a stream: one pose, and how far it can be trusted."""
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class LiveFrame:
    """The pose of one frame of a stream.

    Attributes:
        time: seconds, of the clock of the input.
        joints: ``(J,3)`` metres; NaN where it is not valid.
        valid: there is a pose.
        delay: seconds from this frame to the newest input that was pushed.
        stretch: number of the unbroken stretch of input that the frame belongs to. After a hole another one begins, and
            nothing from before it is known any more; -1 before the first input.
        age: seconds since the begin of the stretch. Before a whole window has been seen, its first frame stands for
            those that were not.
        bridged: frames since the last result that stand on input that was not there: interpolated in a head track, held
            in 2D poses.
        note: why there is no pose, or why a stretch began.
    """
    time: float
    joints: np.ndarray
    valid: bool = True
    delay: float = 0.0
    stretch: int = 0
    age: float = 0.0
    bridged: int = 0
    note: str = ''
