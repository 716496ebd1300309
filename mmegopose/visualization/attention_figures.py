"""Attention as the posters show it: between joints and between frames (STCFormer), between a picture and its 2D pose
(ExtPose)."""
import numpy as np
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from ..structures import Skeleton

COLORS, FONT = 'viridis', 11


def draw_joint_attention(over_joints: np.ndarray, over_frames: np.ndarray | None, points: np.ndarray,
                         skeleton: Skeleton, queries: list | None = None, title: str = '') -> Figure:
    """What joints look at: on the skeleton for some of them, as a matrix for all; and what frames look at.

    Args:
        over_joints: ``(J,J)``, rows of queries, which sum to one.
        over_frames: ``(T,T)``, the same of frames; None: there are none.
        points: ``(J,2)`` where joints are drawn, y down.
        skeleton: of the joints.
        queries: names of joints that are shown on the skeleton; default: ends of the limbs and the head.
        title: above it.
    """
    queries = queries or _ends(skeleton)
    figure = Figure(figsize=(13, 9.4), layout='constrained')
    FigureCanvasAgg(figure)
    upper, lower = figure.subfigures(2, 1, height_ratios=(1, 1.35))
    figure.suptitle(title, fontsize=FONT + 3)
    most = float(over_joints.max())
    for axes, name in zip(upper.subplots(1, len(queries), squeeze=False)[0], queries):
        _draw_query(axes, over_joints[skeleton.index(name)], points, skeleton, skeleton.index(name), most)
        axes.set_title(f'{name.replace("-", " ")} looks at', fontsize=FONT)
    panels = lower.subplots(1, 1 if over_frames is None else 2, squeeze=False)[0]
    names = [name.replace('-', ' ') for name in skeleton.joints]
    _draw_matrix(lower, panels[0], over_joints, 'between joints, mean over frames', 'joint that is looked at',
                 'joint that looks')
    panels[0].set_xticks(range(len(names)), names, rotation=90, fontsize=FONT - 3)
    panels[0].set_yticks(range(len(names)), names, fontsize=FONT - 3)
    if over_frames is not None:
        draw_frames(lower, panels[1], over_frames, 'between frames, mean over joints')
    return figure


def draw_frame_attention(maps: dict[str, np.ndarray], title: str = '') -> Figure:
    """What frames look at, a matrix for each layer: ``{name: (T,T)}``, rows of queries."""
    columns = min(len(maps), 4)
    rows = -(-len(maps) // columns)
    figure = Figure(figsize=(max(4.6 * columns, 6.5), 4.2 * rows + 0.6), layout='constrained')
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=FONT + 3)
    for axes, (name, weights) in zip(figure.subplots(rows, columns, squeeze=False).flat, maps.items()):
        draw_frames(figure, axes, weights, name)
    for axes in figure.axes[len(maps):rows * columns]:
        axes.axis('off')
    return figure


def draw_frames(figure, axes, weights: np.ndarray, title: str) -> None:
    """The matrix ``(T,T)`` of frames in one panel."""
    _draw_matrix(figure, axes, weights, title, 'frame that is looked at', 'frame that looks')
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True))


def draw_patch_attention(rows: list, title: str = '') -> Figure:
    """A row for each query: the picture with the patch that looks, and pictures with what it looks at.

    Args:
        rows: ``(heading, image, patch, seen)`` each: image ``(H,W,3)`` uint8 RGB; (left, top, width, height) in pixels
            of the patch that looks; ``seen`` is ``{heading: (image, weights (h,w))}``, weights over patches.
        title: above it.
    """
    columns = 1 + max(len(seen) for *_, seen in rows)
    figure = Figure(figsize=(3.5 * columns + 0.9, 3.3 * len(rows) + 0.6), layout='constrained')
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=FONT + 3)
    for panels, (heading, image, (left, top, width, height), seen) in zip(
            figure.subplots(len(rows), columns, squeeze=False), rows):
        panels[0].imshow(image)
        panels[0].set_title(heading, fontsize=FONT)
        panels[0].add_patch(Rectangle((left - 0.5, top - 0.5), width, height, fill=False, edgecolor='red',
                                      linewidth=2.5))
        most = max(float(weights.max()) for _, weights in seen.values())
        for axes, (name, (below, weights)) in zip(panels[1:], seen.items()):
            grey = (0.7 * below.mean(-1, keepdims=True) + 40).astype(np.uint8).repeat(3, -1)
            axes.imshow(grey)
            extent = (-0.5, below.shape[1] - 0.5, below.shape[0] - 0.5, -0.5)
            shown = axes.imshow(weights, cmap='inferno', vmin=0, vmax=most, extent=extent, interpolation='nearest',
                                alpha=0.85 * np.clip(weights / most, 0, 1) ** 0.6)
            axes.set_title(f'{name}: {weights.sum():.0%} of the attention', fontsize=FONT)
        bar = figure.colorbar(shown, ax=panels[-1], shrink=0.8)
        bar.solids.set_alpha(1)
        bar.set_label('weight of a patch', fontsize=FONT)
    for axes in figure.axes:
        if axes.images:
            axes.set(xticks=[], yticks=[])
    return figure


def _draw_matrix(figure, axes, weights: np.ndarray, title: str, xlabel: str, ylabel: str) -> None:
    shown = axes.imshow(weights, cmap=COLORS, vmin=0)
    axes.set_title(title, fontsize=FONT + 1)
    axes.set_xlabel(xlabel, fontsize=FONT)
    axes.set_ylabel(ylabel, fontsize=FONT)
    axes.tick_params(labelsize=FONT - 2)
    figure.colorbar(shown, ax=axes, shrink=0.8).set_label('weight', fontsize=FONT)


def _draw_query(axes, weights: np.ndarray, points: np.ndarray, skeleton: Skeleton, query: int, most: float) -> None:
    """The skeleton, with a line from the joint ``query`` to each other, as wide and bright as its weight."""
    for a, b in skeleton.edges:
        axes.plot(*points[[a, b]].T, color='#cccccc', linewidth=3, solid_capstyle='round', zorder=1)
    share = weights / most
    for joint in np.argsort(weights):
        color = colormaps[COLORS](share[joint])
        axes.plot(*points[[query, joint]].T, color=color, linewidth=5 * share[joint], alpha=min(1, 0.15 + share[joint]),
                  zorder=2)
        axes.scatter(*points[joint], s=20 + 160 * share[joint], color=[color], zorder=3)
    axes.scatter(*points[query], s=230, facecolors='none', edgecolors='red', linewidths=2, zorder=4)
    axes.set(aspect='equal')
    axes.margins(0.15)
    axes.invert_yaxis()
    axes.axis('off')


def _ends(skeleton: Skeleton) -> list:
    """Joints at the ends of the limbs, and one of the head."""
    ends = [joints[-1] for joints in skeleton.limbs.values()]
    head = [skeleton.joints[joint] for joint in skeleton.head[:1]] or [
        name for name in ('head', 'head-top', 'nose') if name in skeleton.joints][:1]
    return [*head, *ends][:5] or list(skeleton.joints[:5])
