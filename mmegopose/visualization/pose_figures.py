"""3D skeletons with matplotlib."""
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MultipleLocator

from ..motion import Motion
from ..structures import Skeleton, get_skeleton

LEFT, RIGHT, CENTRE, TRUTH = '#1f77b4', '#d62728', '#333333', '#aaaaaa'
MIN_REACH_M = 0.1  # from the middle of a picture to its sides
STEPS_M = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 1e3, 1e6)  # of its grid


def draw_skeleton(axes, joints: np.ndarray, skeleton: Skeleton, visible: np.ndarray | None = None,
                  color: str | None = None, linewidth: float = 2.0) -> None:
    """Draw one skeleton into 3D axes: left blue, right red, unless one ``color`` is given.

    Args:
        axes: matplotlib axes with ``projection='3d'``.
        joints: ``(J,3)`` metres, z up.
        skeleton: its bones.
        visible: ``(J,)`` bool; bones with a missing end are left out.
    """
    for a, b in skeleton.edges:
        if visible is not None and not (visible[a] and visible[b]):
            continue
        sides = {side for side in ('left', 'right') if side in skeleton.joints[a] and side in skeleton.joints[b]}
        side = {frozenset({'left'}): LEFT, frozenset({'right'}): RIGHT}.get(frozenset(sides), CENTRE)
        axes.plot(*joints[[a, b]].T, color=color or side, linewidth=linewidth, solid_capstyle='round')


def draw_poses(pred: np.ndarray | Motion, skeleton: Skeleton | None = None, truth: np.ndarray | Motion | None = None,
               visible: np.ndarray | None = None, titles: list | None = None, num_poses: int = 8) -> Figure:
    """Predicted skeletons in colour, side by side; over true ones in grey, with their error, where these are known.

    Args:
        pred: ``(n,J,3)`` metres, z up; or a :class:`.Motion`, of which some poses are drawn, from its begin to its end,
            those that are valid; a motion that is not in the world is taken for one of a level camera.
        skeleton: its bones; a motion tells them.
        truth: ``(n,J,3)``; beside a motion another one in the same frame of reference, looked at at the same times.
        visible: ``(n,J)`` bool, joints whose truth is known; all without it.
        titles: one per pose.
        num_poses: of a motion, at most.

    Raises:
        ValueError: a motion without any valid pose, or with a truth of another kind.
    """
    there = None
    if isinstance(pred, Motion):
        some = _some_poses(pred, num_poses)
        if truth is not None:
            truth, visible = _same_poses(truth, some)
        shown = some.upright()
        pred, there, skeleton, titles = shown.joints, shown.valid, get_skeleton(shown.skeleton), [
            f'{time:.2f} s' for time in shown.time]
    if skeleton is None:
        raise ValueError('skeleton is missing: only a motion tells it')
    there = np.ones(pred.shape[:2], bool) if there is None else there
    if truth is None:
        truth, visible = pred, np.zeros(pred.shape[:2], bool)
    elif visible is None:
        visible = np.ones(pred.shape[:2], bool)
    columns = min(len(pred), 4)
    rows = -(-len(pred) // columns)
    figure = Figure(figsize=(3.0 * columns, 3.3 * rows + 0.4))
    figure.subplots_adjust(left=0.01, right=0.99, top=1 - 0.3 / (3.3 * rows + 0.4), bottom=0.4 / (3.3 * rows + 0.4),
                           wspace=0.02, hspace=0.12)  # the constrained layout cuts titles above 3D axes off
    FigureCanvasAgg(figure)
    for i in range(len(pred)):
        axes, title = figure.add_subplot(rows, columns, i + 1, projection='3d'), titles[i] if titles else ''
        if visible[i].any():
            draw_skeleton(axes, truth[i], skeleton, visible[i], TRUTH, 3.5)
            both = visible[i] & there[i]
            if both.any():
                title = f'{title}  {np.linalg.norm(pred[i] - truth[i], axis=-1)[both].mean() * 100:.1f} cm'
        draw_skeleton(axes, pred[i], skeleton, there[i])
        step = _frame_axes(axes, np.concatenate([pred[i][there[i]], truth[i][visible[i]]]))
        axes.set_title(title, fontsize=9, pad=2)
        axes.text2D(0.5, 0.0, f'grid {step:g} m', transform=axes.transAxes, fontsize=7, color=CENTRE, ha='center')
    lines = [_line(TRUTH, 'truth')] if visible.any() else []
    figure.legend(handles=[*lines, _line(LEFT, 'predicted, left'), _line(RIGHT, 'predicted, right')],
                  loc='lower center', ncols=3, frameon=False, fontsize=9)
    return figure


def _some_poses(motion: Motion, num_poses: int) -> Motion:
    """Some of the frames with a pose, from the first to the last one."""
    rows = np.flatnonzero(motion.valid.any(1))
    if not len(rows):
        raise ValueError(f'the motion of {motion.person or "a person"} has no valid pose to draw')
    return motion[rows[np.unique(np.linspace(0, len(rows) - 1, num_poses).round().astype(int))]]


def _same_poses(truth: Motion, some: Motion) -> tuple[np.ndarray, np.ndarray]:
    """The true joints ``(n,J,3)`` with z up at the times of a motion, and which of them are known ``(n,J)``."""
    if not isinstance(truth, Motion):
        raise ValueError(f'the truth beside a motion should be a Motion, which knows its times, not a '
                         f'{type(truth).__name__}')
    if truth.frame != some.frame:
        raise ValueError(f'the truth is in the frame {truth.frame!r}, the motion in {some.frame!r}: move one of them')
    truth = truth.convert(some.skeleton).resample(time=some.time).upright()
    return truth.joints, truth.valid


def _frame_axes(axes, shown: np.ndarray) -> float:
    """Equal scales and a cube around the points ``(n,3)``; metres from line to line of its grid."""
    middle, reach = (shown.max(0) + shown.min(0)) / 2, max(np.ptp(shown, 0).max() / 2, MIN_REACH_M)
    axes.set(xlim=(middle[0] - reach, middle[0] + reach), ylim=(middle[1] - reach, middle[1] + reach),
             zlim=(middle[2] - reach, middle[2] + reach), box_aspect=(1, 1, 1))
    axes.view_init(elev=12, azim=-35)
    step = next((step for step in STEPS_M if 2 * reach / step <= 8), reach)
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
        axis.set_major_locator(MultipleLocator(step))
    axes.tick_params(labelbottom=False, labelleft=False, labelright=False, length=0)
    return step


def _line(color, label):
    return Line2D([], [], color=color, linewidth=3, label=label)
