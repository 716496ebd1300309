"""One figure of a motion: its poses in one world, the head track, and the error over time."""
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..motion import Motion
from ..structures import get_skeleton
from .comparisons import distances_from, errors_in_time, in_one_place, paired
from .films.motion_pictures import (
    FRUSTUM_EDGES,
    FRUSTUM_M,
    GRID,
    HEAD,
    SHADOW,
    TRUTH,
    person_colors,
    person_name,
    side_names,
)
from .films.motion_views import View, choose_view, facing

WORLD_SIZE, DPI, FONT = (1300, 520), 100, 12
MARGINS = (60, 10, 130, 75)  # pixels: left, top, right with the colour bar, bottom with the times
FULL_ERROR_CM = 10.0     # the colour bar reaches as far, or to the largest error that is shown
ERROR_COLORS = 'plasma_r'
SPACING = 1.1            # of poses that are moved apart, times the reach of a person
LEAST_STEP = 0.3         # from pose to pose of somebody who goes, times that reach
HOLE = '#f8dee2'


def draw_motion(motions: Motion | Sequence[Motion], *, truth: Motion | Sequence[Motion | None] | None = None,
                num_poses: int = 7, title: str = '') -> Figure:
    """Poses over time in one world with the camera on the head; with a truth, in grey, bones have the colour of their
    error, and a curve below tells it over time.

    Who stays where they are is drawn once for each time, moved apart from left to right; who goes is drawn where they
    go. Frames without a pose are not drawn, and told.

    Args:
        motions: of one or several people, in one frame of reference; several are drawn at one time, and all of them.
        truth: of each, in the same frame of reference.
        num_poses: times that are drawn, at most; of several people one, the first at which most are there.
        title: above it.

    Raises:
        ValueError: no valid pose, or what does not belong together.
    """
    motions, truths = paired(motions, truth)
    motions, truths, moved = in_one_place(motions, truths)
    shown = _chosen(motions, num_poses)
    with_truth = any(one is not None for one in truths)
    height = 5.2 + (2.1 if with_truth else 0) + 0.5
    figure = Figure(figsize=(WORLD_SIZE[0] / DPI, height), dpi=DPI)
    FigureCanvasAgg(figure)
    world = figure.add_axes((0, (height - 5.7) / height, 1, 5.2 / height))
    most = _draw_world(world, motions, truths, shown, 'people' if moved else '')
    figure.text(0.02, 1 - 0.36 / height, title or _title(motions), fontsize=FONT + 3, parse_math=False)
    if with_truth:
        scale = ScalarMappable(Normalize(0, most), ERROR_COLORS)
        bar = figure.colorbar(scale, cax=figure.add_axes((0.94, 2.8 / height, 0.012, 4.0 / height)))
        bar.set_label('joint error (cm)', fontsize=FONT)
        bar.ax.tick_params(labelsize=FONT - 1)
        _draw_errors(figure.add_axes((0.07, 0.55 / height, 0.85, 1.45 / height)), motions, truths, shown)
    return figure


def _title(motions: Sequence[Motion]) -> str:
    if len(motions) > 1:
        return f'{len(motions)} people'
    motion = motions[0]
    holes = 1 - motion.valid.any(1).mean()
    told = f', {holes:.0%} of the frames have no pose' if holes else ''
    frames = f'{len(motion)} frames in {motion.duration:.1f} s' if len(motion) > 1 else '1 frame'
    return f'{person_name(motion, 0)}: {frames}{told}'


def _chosen(motions: Sequence[Motion], num_poses: int) -> list:
    """Pairs (number of a person, row) that are drawn."""
    if len(motions) == 1:
        rows = np.flatnonzero(motions[0].valid.any(1))
        if not len(rows):
            raise ValueError(f'the motion of {motions[0].person or "a person"} has no valid pose to draw')
        return [(0, int(row)) for row in rows[np.unique(np.linspace(0, len(rows) - 1, num_poses).round().astype(int))]]
    times = np.unique(np.concatenate([motion.time[motion.valid.any(1)] for motion in motions]))
    if not len(times):
        raise ValueError('the motions have no valid pose to draw')
    some = times[np.unique(np.linspace(0, len(times) - 1, 200).round().astype(int))]

    def there(time):
        rows = [(number, int(np.argmin(np.abs(motion.time - time)))) for number, motion in enumerate(motions)
                if len(motion)]
        return [(number, row) for number, row in rows if motions[number].valid[row].any() and
                abs(motions[number].time[row] - time) <= 0.51 / np.nan_to_num(motions[number].fps, nan=1.0)]
    return max(map(there, some), key=len)


def _draw_world(axes, motions, truths, shown: list, moved: str) -> float:
    """Poses, truth, head track and floor; the error in cm at the end of the colour bar."""
    single = len(motions) == 1
    poses = [np.where(motions[p].valid[row, :, None], motions[p].joints[row], np.nan).astype(float) for p, row in shown]
    known = [None if truths[p] is None else np.where(truths[p].valid[row, :, None], truths[p].joints[row], np.nan)
             for p, row in shown]
    centers = np.stack([np.nanmean(pose, 0) for pose in poses])
    reach = max(float(np.nanmax([np.nanmax(np.linalg.norm(pose - center, axis=-1))
                                 for pose, center in zip(poses, centers)])), 0.05)
    azimuth, apart = _azimuth(motions, centers, shown, reach) if single else (None, False)
    if azimuth is None:
        azimuth = np.radians(-80) if moved else (facing(motions[0]) or 0.0) + np.radians(52)
    shifts = np.zeros((len(poses), 3))
    if apart:
        right = np.array([-np.sin(azimuth), np.cos(azimuth), 0])
        shifts = right * SPACING * reach * np.arange(len(poses))[:, None] - [[1, 1, 0]] * (centers - centers[:1])
    track = motions[0].head_pose if single and not apart and motions[0].frame == 'world' else None
    points = [pose + shift for pose, shift in zip(poses, shifts)]
    points += [one + shift for one, shift in zip(known, shifts) if one is not None]
    if track is not None:
        points.append(track[motions[0].head_valid, :3, 3])
    points = np.concatenate(points)
    view = choose_view(points[None], np.full((1, 3), np.nan), WORLD_SIZE, (0, 0), 1.0, azimuth)
    view = _filled(view, points)
    _draw_ground(axes, view)
    if track is not None:
        place = np.where(motions[0].head_valid[:, None], track[:, :3, 3], np.nan)
        axes.plot(*_seen(view, place).T, color=_rgb(HEAD), linewidth=1.6, alpha=0.8, zorder=2)
    errors = [None if truths[p] is None else np.where(*_known_errors(motions[p], truths[p], row)) for p, row in shown]
    largest = max([float(np.nanmax(one)) for one in errors if one is not None and np.isfinite(one).any()], default=0.0)
    most = max(FULL_ERROR_CM, np.ceil(largest))
    depths = [view.to_camera(np.nanmean(pose + shift, 0)[None], np.zeros(1, int))[0, 2]
              for pose, shift in zip(poses, shifts)]
    for order, k in enumerate(np.argsort(depths)[::-1]):
        (p, row), shift = shown[k], shifts[k]
        edges = np.array(get_skeleton(motions[p].skeleton).edges)
        floor = np.concatenate([poses[k][:, :2] + shift[:2], np.full((len(poses[k]), 1), view.floor)], -1)
        floor[~np.isfinite(poses[k]).all(-1)] = np.nan
        _bones(axes, view, floor, edges, _rgb(SHADOW), 3, 1)
        if known[k] is not None:
            _bones(axes, view, known[k] + shift, edges, _rgb(TRUTH), 4.5, 10 + 2 * order)
        colors = person_colors(motions[p], p, len(motions)) / 255
        if errors[k] is not None:
            ends = errors[k][edges].mean(1)
            there = np.isfinite(ends)
            colors = np.where(there[:, None], colormaps[ERROR_COLORS](np.nan_to_num(ends) / most)[:, :3], colors)
        _bones(axes, view, poses[k] + shift, edges, colors, 3, 11 + 2 * order)
        motion = motions[p]
        if motion.head_pose is not None and motion.head_valid[row] and motion.frame == 'world':
            corners = FRUSTUM_M @ motion.head_pose[row, :3, :3].T + motion.head_pose[row, :3, 3] + shift
            _bones(axes, view, corners, FRUSTUM_EDGES, _rgb(HEAD), 1.2, 11 + 2 * order)
        x, y = _seen(view, np.array([[*(np.nanmean(poses[k], 0) + shift)[:2], view.floor]]))[0]
        label = f'{motion.time[row]:.1f} s' if single else person_name(motion, p)
        if single or len(shown) <= 8:
            axes.text(x, y + 30, label, fontsize=FONT, ha='center', va='top', zorder=99, parse_math=False)
    handles = [('truth', TRUTH)] * any(one is not None for one in known)
    if not handles and single:
        handles = side_names(motions[0])
    if any(motion.head_pose is not None and motion.frame == 'world' for motion in motions):
        handles.append(('head camera', HEAD))
    axes.legend([Line2D([], [], color=_rgb(color), linewidth=3) for _, color in handles], [name for name, _ in handles],
                loc='lower right', bbox_to_anchor=(0.99, 0.97), ncols=3, frameon=False, fontsize=FONT)
    axes.set(xlim=(0, WORLD_SIZE[0]), ylim=(WORLD_SIZE[1], 0))
    axes.axis('off')
    moved = 'poses' if apart else moved
    note = f'grid {view.grid_step:g} m' + (f', {moved} moved apart' if moved else '')
    axes.text(20, WORLD_SIZE[1] - 8, note, fontsize=FONT - 1, color='#777777', va='bottom')
    return float(most)


def _filled(view: View, points: np.ndarray) -> View:
    """The view with a longer or shorter lens, so that the points ``(n,3)`` fill the picture between its margins."""
    seen = _seen(view, points)
    low, high = np.nanmin(seen, 0), np.nanmax(seen, 0)
    room = np.array(WORLD_SIZE) - [MARGINS[0] + MARGINS[2], MARGINS[1] + MARGINS[3]]
    factor = float((room / np.maximum(high - low, 1)).min())
    center = (np.array(view.center) - (low + high) / 2) * factor + room / 2 + MARGINS[:2]
    return replace(view, focal=view.focal * factor, center=tuple(center))


def _azimuth(motions, centers: np.ndarray, shown: list, reach: float) -> tuple[float | None, bool]:
    """Where the camera stands so that time goes from left to right, and whether poses have to be moved apart for it."""
    path = centers[:, :2]
    if np.ptp(path, 0).max(initial=0) < 0.5 * reach * max(len(shown) - 1, 1) * SPACING or len(path) < 2:
        return None, len(shown) > 1
    axis = np.linalg.svd(path - path.mean(0))[2][0]
    axis = axis if (path[-1] - path[0]) @ axis >= 0 else -axis
    if np.diff(path @ axis).min() < LEAST_STEP * reach:  # who turns back or pauses would stand in the same place
        return None, True
    return float(np.arctan2(axis[1], axis[0]) - np.radians(90 - 15)), False


def _known_errors(motion: Motion, truth: Motion, row: int) -> tuple:
    errors, known = distances_from(motion[row], truth[row])
    return known[0], 100 * errors[0], np.nan


def _draw_ground(axes, view: View) -> None:
    lines = view.project(view.floor_lines(np.zeros(1, int)), np.zeros(1, int))[0][0]
    shades = np.array(GRID) + (255 - np.array(GRID)) * view.floor_fading()[:, None]
    axes.add_collection(LineCollection(lines, colors=shades / 255, linewidths=0.8, zorder=0))


def _bones(axes, view: View, joints: np.ndarray, edges: np.ndarray, colors, linewidth: float, zorder: float) -> None:
    lines = _seen(view, joints)[edges]
    there = np.isfinite(lines).all((1, 2))
    colors = np.broadcast_to(colors, (len(edges), 3))[there]
    axes.add_collection(LineCollection(lines[there], colors=colors, linewidths=linewidth, capstyle='round',
                                       zorder=zorder))


def _seen(view: View, points: np.ndarray) -> np.ndarray:
    """Pixels ``(n,2)`` of points ``(n,3)``."""
    return view.project(points[None], np.zeros(1, int))[0][0]


def _draw_errors(axes, motions, truths, shown: list) -> None:
    """Mean error over time; what is shown above is marked, holes are rose."""
    time = np.unique(np.concatenate([motion.time for motion in motions]))
    rows = [np.where(np.isin(time, motion.time), np.searchsorted(motion.time, time).clip(0, len(motion) - 1), -1)
            for motion in motions]
    errors = 100 * errors_in_time(motions, truths, rows)
    axes.plot(time, errors, color='#5a6473', linewidth=1.5)
    there = np.stack([motion.valid.any(1)[at] & (at >= 0) for motion, at in zip(motions, rows)]).any(0)
    top = max(1.15 * float(np.nanmax(errors, initial=0.0)), 1.0) if np.isfinite(errors).any() else 1.0
    axes.fill_between(time, 0, top, where=~there, color=HOLE, linewidth=0)
    for p, row in shown:
        axes.axvline(motions[p].time[row], color='#999999', linewidth=0.8, linestyle=':')
    axes.set(ylim=(0, top), xlim=(time[0], max(time[-1], time[0] + 1e-3)))
    axes.set_xlabel('time (s)', fontsize=FONT)
    axes.set_ylabel('mean error (cm)', fontsize=FONT)
    axes.tick_params(labelsize=FONT - 1)
    axes.spines[['top', 'right']].set_visible(False)
    if np.isfinite(errors).any():
        axes.set_title(f'mean over all joints and times: {np.nanmean(errors):.1f} cm', fontsize=FONT, loc='right')


def _rgb(color: tuple) -> np.ndarray:
    return np.array(color) / 255
