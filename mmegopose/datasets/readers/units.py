"""Which unit numbers have, as far as their size tells; the bounds of coordinates that can be true."""
import numpy as np

MAX_ROOT_DISTANCE_M = 20.0   # typical distance within a person or a hand; smaller in metres, larger in millimetres
MAX_COORDINATE_M = 1e4       # from the origin or the camera
MAX_PIXEL_COORD = 1e6


def typical_distance(joints: np.ndarray, root: int) -> float:
    """Median distance along an axis to the joint ``root``, of ``(N,J,3)``, looked at in every 25th pose."""
    some = joints[::25]
    return float(np.median(np.abs(some - some[:, root, None])))
