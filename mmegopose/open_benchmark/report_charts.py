"""Parts of the page as text of HTML and SVG: bars with intervals, skeletons, the curve of a mix."""
from html import escape

import numpy as np

from ..structures import Skeleton, get_skeleton

RULE_COLORS = ('#c3cad3', '#a3adb9', '#838f9d', '#667281')
MODEL_COLORS = ('#1f77b4', '#e07b00', '#2a9d5c', '#8e5bb5', '#c2385a', '#0c9aa6', '#9a7b16', '#5a5fd0')
LEFT, RIGHT, CENTRE, TRUTH = '#1f77b4', '#d62728', '#333333', '#b6bec8'
PICTURE = 200           # side of the picture of a pose, in its own units
TURN = 0.7              # radians from the front to where the viewer of a pose stands


def row_colors(rows: list) -> list[str]:
    """A colour for each row: grey for rules."""
    rules, models = iter(RULE_COLORS * len(rows)), iter(MODEL_COLORS * len(rows))
    return [next(rules if row.rule else models) for row in rows]


def bar_rows(names: list[str], numbers: list[dict], colors: list[str], reach: float | None = None) -> str:
    """A line for each row: name, bar from zero with its interval, value; a full bar is ``reach``, or the largest."""
    reach = reach or largest(numbers)
    return ''.join(_bar_row(*each, reach) for each in zip(names, numbers, colors))


def largest(numbers: list[dict]) -> float:
    """The largest value or upper bound; 1 where all are 0."""
    return max(max((number['interval'] or (0, 0))[1], number['value']) for number in numbers) or 1.0


def _bar_row(name: str, number: dict, color: str, reach: float) -> str:
    def share(value: float) -> str:
        return f'{100 * min(max(value / reach, 0), 1):.2f}%'

    value, interval = number['value'], number['interval']
    whisker = told = ''
    if interval is not None:
        whisker = f'<b style="left:{share(interval[0])};right:calc(100% - {share(interval[1])})"></b>'
        told = f'{interval[0]:.2f} to {interval[1]:.2f}'
    spread = '' if number['deviation'] is None else f' ± {number["deviation"]:.2f}'
    return (f'<div class="row" title="{escape(name)}: {value:.2f}"><div class="name">{escape(name)}</div>'
            f'<div class="bar"><i style="width:{share(value)};background:{color}"></i>{whisker}</div>'
            f'<div class="value">{value:.2f}<em>{spread}</em><span>{told}</span></div></div>')


def key_of_colors(names: list[str], colors: list[str]) -> str:
    """Which colour is which row."""
    return '<div class="key">' + ''.join(f'<div><i style="background:{color}"></i>{escape(name)}</div>'
                                         for name, color in zip(names, colors)) + '</div>'


def pose_pictures(shown: list, skeleton: str, unit: str, camera_axes: bool) -> str:
    """Pictures of the poses of a sequence: predicted in colour over the truth in grey.

    Args:
        shown: see :attr:`.SequenceErrors.shown`.
        skeleton: its name.
        unit: of the errors.
        camera_axes: y points down, else z up.
    """
    structure = get_skeleton(skeleton)
    points = [[_upright(one[key], camera_axes) for key in ('pred', 'truth')] for one in shown]
    flat = [_seen(pred, truth, structure) for pred, truth in points]
    spans = [np.ptp(np.concatenate([part[np.isfinite(part).all(1)] for part in pair]), axis=0).max() for pair in flat]
    scale = 0.86 * PICTURE / max(*spans, 0.5)
    return '<div class="poses">' + ''.join(
        f'<figure>{_skeletons(*pair, structure, scale)}<figcaption>frame {one["frame"]}: '
        f'{one["error"]:.1f} {escape(unit)}</figcaption></figure>' for one, pair in zip(shown, flat)) + '</div>'


def _upright(points: list, camera_axes: bool) -> np.ndarray:
    """``(J,3)`` with z up; NaN where a joint is not known."""
    array = np.array([[np.nan] * 3 if point is None else point for point in points])
    return np.stack([array[:, 0], array[:, 2], -array[:, 1]], 1) if camera_axes else array


def _seen(pred: np.ndarray, truth: np.ndarray, skeleton: Skeleton) -> list[np.ndarray]:
    """Both poses as someone sees them who stands before the person, somewhat aside: ``(J,2)``, right and up."""
    left = np.nan_to_num(truth[skeleton.index('left-hip')] - truth[skeleton.index('right-hip')])
    yaw = np.arctan2(left[1], left[0]) - np.pi / 2 + TURN  # of the viewer, around z
    right = np.array([-np.sin(yaw), np.cos(yaw), 0])
    return [np.stack([pose @ right, pose[:, 2]], 1) for pose in (pred, truth)]


def _skeletons(pred: np.ndarray, truth: np.ndarray, skeleton: Skeleton, scale: float) -> str:
    both = np.concatenate([part[np.isfinite(part).all(1)] for part in (pred, truth)])
    middle = (both.min(0) + both.max(0)) / 2
    lines = []
    for pose, width in ((truth, 7), (pred, 3)):
        at = (pose - middle) * [scale, -scale] + PICTURE / 2
        for a, b in skeleton.edges:
            if np.isfinite(at[[a, b]]).all():
                color = TRUTH if pose is truth else _side(skeleton.joints[a], skeleton.joints[b])
                lines.append('<path d="M{:.1f} {:.1f}L{:.1f} {:.1f}" stroke="{}" stroke-width="{}"/>'.format(
                    *at[a], *at[b], color, width))
    return (f'<svg viewBox="0 0 {PICTURE} {PICTURE}" fill="none" stroke-linecap="round" role="img" '
            f'aria-label="pose">{"".join(lines)}</svg>')


def _side(first: str, second: str) -> str:
    sides = {side for side in ('left', 'right') if side in first and side in second}
    return {frozenset({'left'}): LEFT, frozenset({'right'}): RIGHT}.get(frozenset(sides), CENTRE)


def mix_curve(branches: dict) -> str:
    """The error of mixes of two branches by the weight of the first one; the best mix, and the model's own error."""
    grid, curve = np.array(branches['grid']), np.array(branches['curve'])
    low, high = min(curve.min(), branches['fused']), max(curve.max(), branches['fused'])
    pad = max(0.12 * (high - low), 0.02)
    left, top, right, bottom = 46, 14, 352, 170

    def at(weight: float, error: float) -> tuple[float, float]:
        return left + (right - left) * weight, bottom - (bottom - top) * (error - low + pad) / (high - low + 2 * pad)

    line = ' '.join('{:.1f},{:.1f}'.format(*at(*pair)) for pair in zip(grid, curve))
    best, level = at(branches['best_weight'], branches['best']), at(0, branches['fused'])[1]
    ticks = ''.join(f'<text x="{left - 6}" y="{at(0, value)[1] + 4:.1f}" text-anchor="end">{value:.2f}</text>'
                    for value in (curve.min(), curve.max()))
    first, second = map(escape, branches['names'])
    return (f'<svg viewBox="0 0 360 210" font-size="12" fill="#1c2430" role="img" aria-label="error by weight">'
            f'<path d="M{left} {top}V{bottom}H{right}" stroke="#8592a2" fill="none"/>{ticks}'
            f'<path d="M{left} {level:.1f}H{right}" stroke="#e07b00" stroke-dasharray="5 4"/>'
            f'<polyline points="{line}" fill="none" stroke="#1f77b4" stroke-width="2.5"/>'
            f'<circle cx="{best[0]:.1f}" cy="{best[1]:.1f}" r="5" fill="#1f77b4"/>'
            f'<text x="{left}" y="{bottom + 18}">only {second}</text>'
            f'<text x="{right}" y="{bottom + 18}" text-anchor="end">only {first}</text>'
            f'<text x="{left}" y="{bottom + 34}" fill="#b56300">dashed: the model</text></svg>')
