"""3D skeletons with matplotlib."""
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MultipleLocator
from mpl_toolkits.mplot3d.art3d import Line3DCollection

from ..motion import Motion
from ..structures import Skeleton, get_skeleton
from .comparisons import truth_at
from .films.motion_pictures import FRUSTUM_EDGES, FRUSTUM_M

LEFT, RIGHT, CENTRE, TRUTH, HEAD = '#1f77b4', '#d62728', '#333333', '#aaaaaa', '#eb8c00'
ERROR_COLORS, FULL_ERROR_CM, FONT = 'plasma_r', 10.0, 11
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
               visible: np.ndarray | None = None, titles: list | None = None, num_poses: int = 8,
               heading: str = '') -> Figure:
    """Predicted skeletons, side by side; over true ones in grey, with the error of each joint, where these are known.

    Args:
        pred: ``(n,J,3)`` metres, z up; or a :class:`.Motion`, of which some poses are drawn, from its begin to its end,
            those that are valid; a motion that is not in the world is taken for one of a level camera.
        skeleton: its bones; a motion tells them.
        truth: ``(n,J,3)``; beside a motion another one in the same frame of reference, looked at at the same times.
        visible: ``(n,J)`` bool, joints whose truth is known; all without it.
        titles: one per pose.
        num_poses: of a motion, at most.
        heading: above all of them.

    Raises:
        ValueError: a motion without any valid pose, or with a truth of another kind.
    """
    there = head = None
    if isinstance(pred, Motion):
        some = _some_poses(pred, num_poses)
        if truth is not None:
            same = truth_at(truth, some).upright()
            truth, visible = same.joints, same.valid
        shown = some.upright()
        head = shown if shown.head_pose is not None and shown.frame == 'world' else None
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
    width, height, top = 3.1 * columns + 0.8, 3.4 * rows + 1.0, 0.75 if heading else 0.4
    figure = Figure(figsize=(width, height))
    figure.subplots_adjust(left=0.01, right=1 - 0.8 / width, top=1 - top / height, bottom=0.5 / height, wspace=0.04,
                           hspace=0.16)  # the constrained layout cuts titles above 3D axes off
    FigureCanvasAgg(figure)
    figure.text(0.5, 1 - 0.32 / height, heading, fontsize=FONT + 3, ha='center')
    both = visible & there
    errors = 100 * np.where(both, np.linalg.norm(pred - truth, axis=-1), np.nan)                    # (n,J), cm
    scale = Normalize(0, max(FULL_ERROR_CM, float(np.ceil(np.nanmax(errors)))) if both.any() else FULL_ERROR_CM)
    for i in range(len(pred)):
        axes, title = figure.add_subplot(rows, columns, i + 1, projection='3d'), titles[i] if titles else ''
        if visible[i].any():
            draw_skeleton(axes, truth[i], skeleton, visible[i], TRUTH, 3.5)
            if both[i].any():
                title = f'{title}  {errors[i][both[i]].mean():.1f} cm'
        draw_skeleton(axes, pred[i], skeleton, there[i])
        if both[i].any():
            axes.scatter(*pred[i][both[i]].T, c=errors[i][both[i]], cmap=ERROR_COLORS, norm=scale, s=22,
                         depthshade=False, edgecolors='white', linewidths=0.4)
        if head is not None and head.head_valid[i]:
            corners = FRUSTUM_M @ head.head_pose[i, :3, :3].T + head.head_pose[i, :3, 3]
            axes.add_collection3d(Line3DCollection(corners[FRUSTUM_EDGES], colors=HEAD, linewidths=1.2))
        step = _frame_axes(axes, np.concatenate([pred[i][there[i]], truth[i][visible[i]]]))
        axes.set_title(title, fontsize=FONT + 1, pad=2)
        axes.text2D(0.5, -0.02, f'grid {step:g} m', transform=axes.transAxes, fontsize=FONT - 2, color=CENTRE,
                    ha='center')
    lines = [_line(TRUTH, 'truth')] if visible.any() else []
    sided = any(name.startswith('left') for name in skeleton.joints)
    lines += [_line(LEFT, 'predicted, left'), _line(RIGHT, 'predicted, right')] if sided else \
        [_line(CENTRE, 'predicted')]
    lines += [_line(HEAD, 'head camera')] if head is not None else []
    figure.legend(handles=lines, loc='lower center', ncols=4, frameon=False, fontsize=FONT)
    if both.any():
        bar = figure.colorbar(ScalarMappable(scale, ERROR_COLORS),
                              cax=figure.add_axes((1 - 0.75 / width, 0.2, 0.12 / width, 0.6)))
        bar.set_label('joint error (cm)', fontsize=FONT)
    return figure


def _some_poses(motion: Motion, num_poses: int) -> Motion:
    """Some of the frames with a pose, from the first to the last one."""
    rows = np.flatnonzero(motion.valid.any(1))
    if not len(rows):
        raise ValueError(f'the motion of {motion.person or "a person"} has no valid pose to draw')
    return motion[rows[np.unique(np.linspace(0, len(rows) - 1, num_poses).round().astype(int))]]


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
    for name in 'xyz':
        getattr(axes, f'set_{name}label')(name, fontsize=FONT - 1, labelpad=-12)
    return step


def _line(color, label):
    return Line2D([], [], color=color, linewidth=3, label=label)
