"""Meshes and 2D skeletons over the crops that a network sees: the central columns of a square of their height."""
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..geometry.crops import CROP_SIZE, FOCAL
from ..rendering.mesh_images import flat_shading, render
from ..rendering.skeleton_images import draw_skeletons
from ..structures import SkeletonStyle

MESH_COLOR, TRUTH_COLOR = (150, 190, 255), (255, 255, 255)
PANEL_HEIGHT_INCHES = 2.2


def overlay_mesh(image: np.ndarray, vertices: np.ndarray, faces: np.ndarray, color: tuple = MESH_COLOR,
                 opacity: float = 0.85) -> np.ndarray:
    """Draw a mesh over a crop.

    Args:
        image: ``(H,W,3)`` uint8 RGB.
        vertices: ``(V,3)`` metres, in the crop's camera (its focal length is ``FOCAL`` for a side of ``CROP_SIZE``).
        faces: ``(F,3)``.
        color: RGB in [0,255].
        opacity: of the mesh, in [0,1].
    """
    side = len(image)
    shades = flat_shading(vertices, faces, np.array(color))
    mesh, depth = render(vertices, faces, shades, FOCAL / CROP_SIZE * side, side)
    columns = _columns(image)
    blend = opacity * mesh[:, columns] + (1 - opacity) * image
    return np.where(np.isfinite(depth[:, columns, None]), blend, image).astype(np.uint8)


def overlay_skeleton(image: np.ndarray, keypoints: np.ndarray, confidence: np.ndarray,
                     style: SkeletonStyle) -> np.ndarray:
    """Draw ``keypoints (J,2)``, crop units, with ``confidence (J,)`` over a crop ``(H,W,3)`` uint8 RGB."""
    side = len(image)
    skeleton = draw_skeletons((keypoints[None] + 0.5) * side, confidence[None], style, side)[0, :, _columns(image)]
    return np.where(skeleton.any(-1, keepdims=True), skeleton, image)


def overlay_skeletons(image: np.ndarray, pred: np.ndarray, truth: np.ndarray, confidence: np.ndarray,
                      style: SkeletonStyle) -> np.ndarray:
    """Draw predicted keypoints ``(J,2)`` in colour over the true ones ``(J,2)``, broader and white, where these have a
    ``confidence (J,)``, over a darkened crop ``(H,W,3)``."""
    white = style._replace(edge_colors=(TRUTH_COLOR,) * len(style.edge_colors), radius=1.6 * style.radius,
                    joint_colors=(TRUTH_COLOR,) * len(style.joint_colors))
    image = overlay_skeleton(image // 2, truth, confidence, white)
    return overlay_skeleton(image, pred, np.ones(len(pred)), style)


def draw_grid(columns: dict, names: list | None = None) -> Figure:
    """A figure with a row per sample.

    Args:
        columns: ``{title: (n,H,W,3)}`` uint8 RGB, of one shape in each column.
        names: of the rows.
    """
    images = list(columns.values())
    rows, (height, width) = len(images[0]), images[0][0].shape[:2]
    panel_width = PANEL_HEIGHT_INCHES * max(width / height, 0.75)  # room for the title
    figure = Figure(figsize=(panel_width * len(columns), PANEL_HEIGHT_INCHES * rows + 0.3), layout='constrained')
    FigureCanvasAgg(figure)
    panels = figure.subplots(rows, len(columns), squeeze=False)
    for axes, image in zip(panels.T.flat, (image for column in images for image in column), strict=True):
        axes.imshow(image, interpolation='lanczos')
        axes.axis('off')
    for axes, title in zip(panels[0], columns, strict=True):
        axes.set_title(title, fontsize=11)
    for axes, name in zip(panels[:, 0], names or ()):
        axes.axis('on')
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        axes.set_ylabel(name, fontsize=9)
    return figure


def _columns(image: np.ndarray) -> slice:
    """Columns of the square that a crop ``(H,W,3)`` shows."""
    height, width = image.shape[:2]
    return slice((height - width) // 2, (height + width) // 2)
