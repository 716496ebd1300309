"""A mesh renderer without graphics hardware, for synthetic training images."""
import numpy as np

_FACE_BITS, _DEPTH_BITS = 20, 41   # of the key by which fragments of a pixel compete
_NEAR = 1e-3                       # metres
_MIN_AREA = 1e-4                   # square pixels; thinner triangles are seen edge-on


def flat_shading(vertices: np.ndarray, faces: np.ndarray, colors: np.ndarray, light=(0.0, 0.0, -1.0),
                 ambient: float = 0.35) -> np.ndarray:
    """Colour of each face under one distant light, whichever way its vertices turn.

    Args:
        vertices: ``(V,3)``.
        faces: ``(F,3)`` vertices of the triangles.
        colors: ``(F,3)``, ``(V,3)`` (a face has the mean of its vertices) or ``(3,)``, in [0,255].
        light: direction towards the light, of any length.
        ambient: share of the colour that faces parallel to the light keep.

    Returns:
        ``(F,3)`` uint8.
    """
    a, b, c = np.moveaxis(np.asarray(vertices, np.float32)[faces], 1, 0)
    normals = _cross(b - a, c - a)
    light = np.asarray(light, np.float32)
    lengths = np.sqrt(np.einsum('fc,fc->f', normals, normals) * (light @ light))
    lit = np.abs(normals @ light) / np.maximum(lengths, 1e-20)
    shade = ambient + (1 - ambient) * lit
    return np.clip(_face_colors(colors, vertices, faces) * shade[:, None], 0, 255).astype(np.uint8)


def render(vertices: np.ndarray, faces: np.ndarray, colors: np.ndarray, focal: float, size: int = 256,
           background: np.ndarray | None = None, center: tuple | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Draw a triangle mesh with an exact z-buffer, both sides of every face.

    A pixel belongs to the triangles that contain its centre, which has whole coordinates, as in OpenCV. Triangles that
    reach behind the camera are left out. Takes 2 to 3 ms for 3,000 triangles at 256 x 256 on one core.

    Args:
        vertices: ``(V,3)`` metres in camera axes: x right, y down, z forward.
        faces: ``(F,3)`` vertices of the triangles, F < 2**20.
        colors: ``(F,3)``, ``(V,3)`` (a face has the mean of its vertices) or ``(3,)``, in [0,255], RGB.
        focal: focal length in pixels.
        size: side of the square image in pixels.
        background: ``(size,size,3)`` uint8; None: black.
        center: principal point (x, y) in pixels; None: ``size / 2``, as in :mod:`mmegopose.geometry.crops`.

    Returns:
        Image ``(size,size,3)`` uint8 and depth ``(size,size)`` float32 in metres, infinite where no triangle is.

    Raises:
        ValueError: a background of another size or type, colours of another shape, too many faces, or vertices that are
            not finite.
    """
    image = np.zeros((size, size, 3), np.uint8) if background is None else background.copy()
    if image.shape != (size, size, 3) or image.dtype != np.uint8:
        raise ValueError(f'background should be ({size},{size},3) uint8, got {image.shape} {image.dtype}')
    hit, face, distance = shown_faces(vertices, faces, focal, (size, size), center)
    image.reshape(-1, 3)[hit] = _face_colors(colors, vertices, faces).astype(np.uint8)[face]
    depth = np.full(size * size, np.inf, np.float32)
    depth[hit] = distance
    return image, depth.reshape(size, size)


def shown_faces(vertices: np.ndarray, faces: np.ndarray, focal: float, size: tuple[int, int],
                center: tuple | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which triangle of a mesh each pixel shows; see :func:`render`.

    Args:
        size: width and height in pixels.

    Returns:
        Pixels ``(N,)`` in which the mesh is seen, row by row, the triangle in each, and its depth in metres.
    """
    width, height = size
    if len(faces) >= 1 << _FACE_BITS:
        raise ValueError(f'a mesh can have up to {(1 << _FACE_BITS) - 1} faces, got {len(faces)}')
    if not np.isfinite(vertices).all():
        raise ValueError(f'vertices should be finite, vertex {np.isfinite(vertices).all(1).argmin()} is not')
    center = (width / 2, height / 2) if center is None else center
    front = vertices[:, 2] > _NEAR
    inverse = 1 / np.where(front, vertices[:, 2], 1).astype(np.float64)             # (V,)
    kept = np.flatnonzero(front[faces].all(1))
    scale = 2.0 ** _DEPTH_BITS / max(inverse.max(initial=0), 1e-9)
    x, y = (vertices[:, :2] * (focal * inverse)[:, None] + center).T
    best = np.zeros(width * height, np.int64)
    np.maximum.at(best, *_fragments(np.stack([x, y, scale * inverse])[:, faces[kept].T], size))
    hit = np.flatnonzero(best > 0)
    best = best[hit]
    return hit, kept[(best & ((1 << _FACE_BITS) - 1)) - 1], scale / (best >> _FACE_BITS)


def _fragments(triangles: np.ndarray, size: tuple[int, int]) -> tuple:
    """Pixels ``(N,)`` of triangles ``(3,3,F)`` with coordinates x, y, 1/z of three corners, and a key ``(N,)`` of each.

    The largest key of a pixel is that of the nearest triangle: 1/z, then the index of the triangle, from 1. Keys in
    front of the camera are above 0.
    """
    top, middle, bottom = np.moveaxis(np.take_along_axis(triangles, triangles[1:2].argsort(1), 1), 1, 0)  # (3,F) each
    along, across = bottom - top, middle - top
    area = along[0] * across[1] - along[1] * across[0]
    first, rows = _pixel_range(top[1], bottom[1], size[1])
    rows = np.where(np.abs(area) > _MIN_AREA, rows, 0)
    face = np.repeat(np.arange(len(rows)), rows)                   # (S,) of each span, a triangle's pixels in one row
    y = np.arange(len(face)) + (first - np.cumsum(rows) + rows)[face]
    # The long edge bounds the span on one side, the upper or the lower short edge on the other.
    slope, offset = _line(np.stack([top, top, middle], 1), np.stack([bottom, middle, bottom], 1))  # (3,F) each
    short = face + np.where(y < middle[1][face], 1, 2) * len(rows)
    long_x, short_x = (slope.ravel()[edge] * y + offset.ravel()[edge] for edge in (face, short))
    left, width = _pixel_range(np.minimum(long_x, short_x), np.maximum(long_x, short_x), size[0])
    # 1/z is linear on the screen, and so is the key, in whole numbers.
    safe = np.where(rows > 0, area, 1)
    step_x = (across[1] * along[2] - along[1] * across[2]) / safe
    step_y = (along[0] * across[2] - across[0] * along[2]) / safe
    start = (top[2] - step_x * top[0] - step_y * top[1])[face] + step_x[face] * left + step_y[face] * y
    key = (start.astype(np.int64) << _FACE_BITS) | (face + 1)
    step = np.clip(step_x, -2.0 ** _DEPTH_BITS, 2.0 ** _DEPTH_BITS).astype(np.int64)[face] << _FACE_BITS
    # Of the place of a pixel within its span, the share that all of the span have is taken off before it is repeated;
    # whole numbers that overflow come back.
    before, number = np.cumsum(width) - width, np.arange(width.sum())  # (S,) pixels in front of a span, (N,)
    pixel = np.repeat(y * size[0] + left - before, width)
    pixel += number
    keys = np.repeat(step, width)
    keys *= number
    keys += np.repeat(key - step * before, width)
    return pixel, keys


def _line(start: np.ndarray, end: np.ndarray) -> tuple:
    """Slope and offset of x as a function of y."""
    rise = end[1] - start[1]
    slope = (end[0] - start[0]) / np.where(rise == 0, 1, rise)
    return slope, start[0] - slope * start[1]


def _pixel_range(low: np.ndarray, high: np.ndarray, size: int) -> tuple:
    """First whole coordinate in ``[low, high]`` inside of the image, and how many there are."""
    first = np.ceil(np.clip(low, 0, size)).astype(np.int64)
    return first, np.maximum(np.floor(np.clip(high, -1, size - 1)).astype(np.int64) - first + 1, 0)


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cross product ``(N,3)``; several times faster than ``np.cross`` for short vectors."""
    (ax, ay, az), (bx, by, bz) = a.T, b.T
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], -1)


def _face_colors(colors: np.ndarray, vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """``(F,3)`` of colours per face, per vertex, or one colour."""
    colors = np.asarray(colors)
    if colors.shape == (len(faces), 3):
        return colors
    if colors.shape == (len(vertices), 3):
        return colors[faces].mean(1)
    if colors.shape == (3,):
        return np.broadcast_to(colors, (len(faces), 3))
    raise ValueError(f'colors should be (F,3) = ({len(faces)},3), (V,3) = ({len(vertices)},3) or (3,), got '
                     f'{colors.shape}')
