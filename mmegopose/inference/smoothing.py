"""Smoother motions: filters in time that know of holes. Off unless asked for, and told."""
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..motion import Motion
from ..structures import get_skeleton

METHODS = ('one_euro', 'savitzky_golay', 'gaussian')
# In seconds and metres, the best of some on real motion at 30 frames a second with 1 to 4 cm of noise: 2 cm of noise
# (32 mm in space) become 26, 15 and 15 mm; One-Euro is late by what it may not know. Savitzky-Golay: as in MMPose 0.x.
DEFAULTS: dict[str, dict] = dict(
    one_euro=dict(min_cutoff=1.0, beta=4.0, d_cutoff=1.0), savitzky_golay=dict(window=11 / 30, order=2),
    gaussian=dict(sigma=0.05))
LIMITS = dict(min_cutoff=(1e-6, 1e6), beta=(0, 1e6), d_cutoff=(1e-6, 1e6), window=(1e-6, 60), order=(0, 9),
              sigma=(1e-6, 20))
RESET = 0.25   # seconds without a joint after which One-Euro begins anew


def smooth(motion: Motion, method: str = 'savitzky_golay', joints=None, **options) -> Motion:
    """A motion whose joints are filtered in time; what is not valid is not used, and stays as it is.

    Where the motion has a head track, the joints of the head stay as they are: they were placed by the device, and
    would drift off it. Smooth in the world or relative to the root, not in the axes of a camera that moves.

    Args:
        motion: in any frame of reference.
        method: ``'one_euro'`` (needs no later frame), ``'savitzky_golay'`` or ``'gaussian'``.
        joints: numbers of the joints to filter; default: all, or without the head's.
        options: of :func:`one_euro`, :func:`savitzky_golay` or :func:`gaussian`, seconds and metres.

    Returns:
        The motion; ``provenance['smoothing']`` lists what was done. Vertices of a mesh are filtered alike, its
        parameters are left out, because they would not fit.

    Raises:
        ValueError: unknown method.
        TypeError: unknown option.
    """
    options = check_smoothing(method, joints, **options)
    if joints is None:
        head = get_skeleton(motion.skeleton).head if motion.head_pose is not None else ()
        joints = [joint for joint in range(motion.num_joints) if joint not in head]
    joints = list(joints)
    filters: dict[str, Callable] = dict(one_euro=one_euro, savitzky_golay=savitzky_golay, gaussian=gaussian)
    run = filters[method]
    out = motion.joints.copy()
    out[:, joints] = run(motion.joints[:, joints], motion.time, motion.valid[:, joints], **options)
    mesh = motion.mesh
    if mesh is not None:
        there = np.isfinite(mesh.vertices).all(-1) & motion.valid.any(1, keepdims=True)
        mesh = replace(mesh, vertices=run(mesh.vertices, motion.time, there, **options), parameters={})
    return replace(motion, joints=out, mesh=mesh, provenance=noted(motion, dict(method=method, **options)))


def check_smoothing(method: str = 'savitzky_golay', joints=None, **options) -> dict:
    """All options of a method; ``ValueError`` for one that is not positive or too large, ``TypeError`` for unknown
    ones."""
    if method not in METHODS:
        raise ValueError(f'method={method!r} should be one of {METHODS}')
    unknown = set(options) - set(DEFAULTS[method])
    if unknown:
        raise TypeError(f'{method} has no {sorted(unknown)}, but {sorted(DEFAULTS[method])}')
    for name, value in options.items():
        low, high = LIMITS[name]
        if not (isinstance(value, (int, float)) and low <= value <= high):
            sign = 'positive' if low else 'not negative'
            raise ValueError(f'{name}={value} of {method} should be {sign}, and at most {high:g}')
    return DEFAULTS[method] | options


def one_euro(values: np.ndarray, time: np.ndarray, valid: np.ndarray, min_cutoff: float = 1.0, beta: float = 4.0,
             d_cutoff: float = 1.0) -> np.ndarray:
    """One-Euro filter (Casiez et al., CHI 2012): a low-pass whose cut-off rises with speed. Causal.

    Args:
        values: ``(T,J,D)``.
        time: ``(T,)`` seconds.
        valid: ``(T,J)`` bool. After :data:`RESET` seconds without a joint its filter begins anew.
        min_cutoff: hertz; smaller: smoother, and later.
        beta: hertz for each unit of speed, e.g. each metre a second.
        d_cutoff: hertz, of the speed.

    Returns:
        ``(T,J,D)``.
    """
    def share(cutoff, seconds):
        return 1 / (1 + 1 / (2 * np.pi * cutoff * seconds))

    out = np.array(values, np.float64)
    last, speed = np.zeros(out.shape[1:]), np.zeros(out.shape[1:])
    seen = np.full(out.shape[1], -np.inf)
    for row, now in enumerate(time):
        there = valid[row]
        step = np.maximum(now - seen, 1e-9)[:, None]
        fresh = (now - seen > RESET)[:, None]
        raw = np.where(there[:, None], out[row], 0)
        rate = np.where(fresh, 0, (raw - last) / step)
        new_speed = np.where(fresh, 0, speed + share(d_cutoff, step) * (rate - speed))
        cutoff = min_cutoff + beta * np.linalg.norm(new_speed, axis=-1, keepdims=True)
        new = np.where(fresh, raw, last + share(cutoff, step) * (raw - last))
        last, speed = np.where(there[:, None], new, last), np.where(there[:, None], new_speed, speed)
        seen = np.where(there, now, seen)
        out[row] = np.where(there[:, None], new, out[row])
    return out.astype(values.dtype)


def savitzky_golay(values: np.ndarray, time: np.ndarray, valid: np.ndarray, window: float = 11 / 30,
                   order: int = 2) -> np.ndarray:
    """Local polynomials of the valid values in a window about each time, by least squares; see :func:`one_euro`.

    For even times without holes this is the filter of Savitzky and Golay. Where fewer than ``order + 2`` values are in
    the window, nothing is changed.

    Args:
        window: length of the window, seconds.
        order: of the polynomials.
    """
    if order < 0 or window <= 0:
        raise ValueError(f'window={window} should be positive, order={order} not negative')
    half = window / 2
    powers = np.zeros((*valid.shape, 2 * order + 1))                 # (T,J,2p+1) sums of tau^k
    moments = np.zeros((*valid.shape, order + 1, values.shape[-1]))  # (T,J,p+1,D) sums of tau^k x
    for tau, there, near in _neighbours(values, time, valid, half):
        basis = np.where(there[..., None], (tau[:, None] / half)[..., None] ** np.arange(2 * order + 1), 0)
        powers += basis
        moments += basis[..., :order + 1, None] * near[..., None, :]
    rows = np.arange(order + 1)
    normal = powers[..., rows[:, None] + rows]                       # (T,J,p+1,p+1)
    enough = valid & (powers[..., 0] >= order + 2)
    normal[~enough] = np.eye(order + 1)
    fitted = np.linalg.solve(normal, moments)[..., 0, :]             # (T,J,D)
    return np.where(enough[..., None], fitted, values).astype(values.dtype)


def gaussian(values: np.ndarray, time: np.ndarray, valid: np.ndarray, sigma: float = 0.05) -> np.ndarray:
    """Mean of the valid values about each time, weighted by a normal density of ``sigma`` s; see :func:`one_euro`."""
    if sigma <= 0:
        raise ValueError(f'sigma={sigma} should be positive')
    total, mean = np.zeros(valid.shape), np.zeros(values.shape)
    for tau, there, near in _neighbours(values, time, valid, 3 * sigma):
        weight = np.where(there, np.exp(-np.square(tau / sigma) / 2)[:, None], 0)
        total += weight
        mean += weight[..., None] * near
    mean /= np.maximum(total, 1e-12)[..., None]
    return np.where(valid[..., None], mean, values).astype(values.dtype)


def _neighbours(values, time, valid, half: float):
    """For each offset in rows: time from the row ``(T,)``, whether a valid value is there ``(T,J)``, and the value."""
    rows = np.arange(len(time))
    low, high = np.searchsorted(time, time - half - 1e-9), np.searchsorted(time, time + half + 1e-9) - 1
    known = np.where(valid[..., None], values, 0).astype(np.float64)
    for offset in range(int((low - rows).min(initial=0)), int((high - rows).max(initial=0)) + 1):
        place = rows + offset
        inside = (place >= low) & (place <= high)
        place = np.where(inside, place, rows)
        yield time[place] - time, valid[place] & inside[:, None], np.where(inside[:, None, None], known[place], 0)


def noted(motion: Motion, entry: dict) -> dict:
    """The provenance with one more step of smoothing."""
    return motion.provenance | dict(smoothing=[*motion.provenance.get('smoothing', ()), entry])
