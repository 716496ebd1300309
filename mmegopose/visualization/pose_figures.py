"""3D skeletons with matplotlib."""
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..structures import Skeleton

LEFT, RIGHT, CENTRE, TRUTH = '#1f77b4', '#d62728', '#333333', '#aaaaaa'
MIN_REACH_M = 0.1  # from the middle of a picture to its sides


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


def draw_poses(pred: np.ndarray, skeleton: Skeleton, truth: np.ndarray | None = None,
               visible: np.ndarray | None = None, titles: list | None = None) -> Figure:
    """Predicted skeletons in colour, side by side; over true ones in grey, with their error, where these are known.

    Args:
        pred: ``(n,J,3)`` metres, z up.
        skeleton: its bones.
        truth: ``(n,J,3)``.
        visible: ``(n,J)`` bool, joints whose truth is known; all without it.
        titles: one per pose.
    """
    if truth is None:
        truth, visible = pred, np.zeros(pred.shape[:2], bool)
    elif visible is None:
        visible = np.ones(pred.shape[:2], bool)
    columns = min(len(pred), 4)
    rows = -(-len(pred) // columns)
    figure = Figure(figsize=(3.0 * columns, 3.3 * rows), layout='constrained')
    FigureCanvasAgg(figure)
    for i in range(len(pred)):
        axes, title = figure.add_subplot(rows, columns, i + 1, projection='3d'), titles[i] if titles else ''
        if visible[i].any():
            draw_skeleton(axes, truth[i], skeleton, visible[i], TRUTH, 3.5)
            error = np.linalg.norm(pred[i] - truth[i], axis=-1)[visible[i]].mean() * 100
            title = f'{title}  {error:.1f} cm'
        draw_skeleton(axes, pred[i], skeleton)
        _frame_axes(axes, np.concatenate([pred[i], truth[i][visible[i]]]))
        axes.set_title(title, fontsize=9)
    lines = [_line(TRUTH, 'truth')] if visible.any() else []
    figure.legend(handles=[*lines, _line(LEFT, 'predicted, left'), _line(RIGHT, 'predicted, right')],
                  loc='outside lower center', ncols=3, frameon=False, fontsize=9)
    return figure


def _frame_axes(axes, shown: np.ndarray) -> None:
    """Equal scales and a cube around the points ``(n,3)``."""
    middle, reach = (shown.max(0) + shown.min(0)) / 2, max(np.ptp(shown, 0).max() / 2, MIN_REACH_M)
    axes.set(xlim=(middle[0] - reach, middle[0] + reach), ylim=(middle[1] - reach, middle[1] + reach),
             zlim=(middle[2] - reach, middle[2] + reach), box_aspect=(1, 1, 1))
    axes.view_init(elev=12, azim=-35)
    axes.tick_params(labelbottom=False, labelleft=False, labelright=False, length=0)


def _line(color, label):
    return Line2D([], [], color=color, linewidth=3, label=label)
