"""3D skeletons with matplotlib."""
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..structures import Skeleton

LEFT, RIGHT, CENTRE, TRUTH = '#1f77b4', '#d62728', '#333333', '#aaaaaa'


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


def draw_poses(pred: np.ndarray, truth: np.ndarray, visible: np.ndarray, skeleton: Skeleton,
               titles: list | None = None) -> Figure:
    """Predicted skeletons in colour over true ones in grey, side by side, each with its error.

    Args:
        pred: ``(n,J,3)`` metres, z up.
        truth: ``(n,J,3)``.
        visible: ``(n,J)`` bool.
        titles: one per pose.
    """
    columns = min(len(pred), 4)
    rows = -(-len(pred) // columns)
    figure = Figure(figsize=(3.0 * columns, 3.3 * rows), layout='constrained')
    FigureCanvasAgg(figure)
    for i in range(len(pred)):
        axes = figure.add_subplot(rows, columns, i + 1, projection='3d')
        if visible[i].any():
            draw_skeleton(axes, truth[i], skeleton, visible[i], TRUTH, 3.5)
            error = np.linalg.norm(pred[i] - truth[i], axis=-1)[visible[i]].mean() * 100
        draw_skeleton(axes, pred[i], skeleton)
        shown = np.concatenate([pred[i], truth[i][visible[i]]])
        middle, reach = (shown.max(0) + shown.min(0)) / 2, max(np.ptp(shown, 0).max() / 2, 0.1)
        axes.set(xlim=(middle[0] - reach, middle[0] + reach), ylim=(middle[1] - reach, middle[1] + reach),
                 zlim=(middle[2] - reach, middle[2] + reach), box_aspect=(1, 1, 1))
        axes.view_init(elev=12, azim=-35)
        axes.tick_params(labelbottom=False, labelleft=False, labelright=False, length=0)
        title = titles[i] if titles else ''
        axes.set_title(f'{title}  {error:.1f} cm' if visible[i].any() else title, fontsize=9)
    figure.legend(handles=[_line(TRUTH, 'truth'), _line(LEFT, 'predicted, left'), _line(RIGHT, 'predicted, right')],
                  loc='outside lower center', ncols=3, frameon=False, fontsize=9)
    return figure


def _line(color, label):
    return Line2D([], [], color=color, linewidth=3, label=label)
