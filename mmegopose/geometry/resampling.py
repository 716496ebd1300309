"""Values and poses at other times than those at which they were measured: numpy, float64."""
import numpy as np

MAX_GRID = 10_000_000  # rows, 92 hours at 30 a second


def time_tolerance(time: np.ndarray) -> float:
    """Seconds within which two times are the same: 1e-9, or what float64 resolves at such times (2e-7 for Unix
    seconds)."""
    return max(1e-9, 2 * float(np.spacing(np.abs(time).max(initial=0))))


def time_grid(time: np.ndarray, fps: float) -> np.ndarray:
    """Times ``time[0] + k / fps`` up to the last time, ``(T,) -> (M,)`` seconds.

    Raises ``ValueError`` if ``fps`` is not positive and finite, or the grid would have more than ten million rows.
    """
    if not 0 < fps < np.inf:
        raise ValueError(f'fps should be positive, got {fps}' + (', which is not finite' if fps > 0 else ''))
    if not len(time):
        return np.zeros(0)
    count = (time[-1] - time[0]) * fps + max(1e-6, time_tolerance(time) * fps)
    if not count < MAX_GRID:
        raise ValueError(f'fps={fps:g} for {time[-1] - time[0]:g} s would be {count:.3g} frames, more than {MAX_GRID}: '
                         'are the times in seconds?')
    return np.minimum(time[0] + np.arange(int(np.floor(count)) + 1) / fps, time[-1])


def bracket(time: np.ndarray, new_time: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The two rows that enclose each new time.

    Args:
        time: ``(T,)`` ascending, T >= 1.
        new_time: ``(M,)``.

    Returns:
        ``(before, after, weight)``, ``(M,)`` each: rows, and the weight of the row after in [0, 1]. A time that hits a
        row up to rounding (:func:`time_tolerance`) has both equal; outside of the range the end row is taken twice.
    """
    after = np.clip(np.searchsorted(time, new_time), 0, len(time) - 1)
    before = np.maximum(after - 1, 0)
    span = time[after] - time[before]
    weight = np.divide(new_time - time[before], span, out=np.ones(len(new_time)), where=span > 0)
    weight = np.clip(weight, 0, 1)
    tolerance = time_tolerance(time)
    near = tolerance / np.maximum(span, tolerance)
    before, after = np.where(weight >= 1 - near, after, before), np.where(weight <= near, before, after)
    return before, after, np.where(before == after, 0.0, weight)


def interpolate(values: np.ndarray, before: np.ndarray, after: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Values ``(T, ...)`` at the places that :func:`bracket` found, ``(M, ...)``: floats linearly, all else as it was
    last."""
    if values.dtype.kind != 'f':
        return values[before]
    weight = weight.reshape(-1, *[1] * (values.ndim - 1)).astype(np.result_type(values, np.float32))
    first = values[before]
    with np.errstate(invalid='ignore'):
        return np.where(weight > 0, first + weight * (values[after] - first), first)


def interpolate_rotations(rotation: np.ndarray, before: np.ndarray, after: np.ndarray,
                          weight: np.ndarray) -> np.ndarray:
    """Shortest turn between neighbouring rotations ``(T, 3, 3)``, ``(M, 3, 3)``; what hits a row is that row, and what
    has a neighbour that is NaN is NaN."""
    out = rotation[before].copy()
    known = np.isfinite(rotation).all((1, 2))
    between, known = weight > 0, known[before] & known[after]
    out[between & ~known] = np.nan
    between = np.flatnonzero(between & known)
    if len(between):
        from scipy.spatial.transform import Rotation  # half a second, for holes only
        first = Rotation.from_matrix(rotation[before[between]])
        turn = (first.inv() * Rotation.from_matrix(rotation[after[between]])).as_rotvec()
        out[between] = (first * Rotation.from_rotvec(weight[between, None] * turn)).as_matrix()
    return out


def interpolate_poses(poses: np.ndarray, before: np.ndarray, after: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Rigid transforms ``(T, 4, 4)`` at the places that :func:`bracket` found, ``(M, 4, 4)``: positions linearly,
    rotations by the shortest turn."""
    out = np.tile(np.eye(4), (len(before), 1, 1))
    out[:, :3, :3] = interpolate_rotations(poses[:, :3, :3], before, after, weight)
    out[:, :3, 3] = interpolate(poses[:, :3, 3], before, after, weight)
    return out
