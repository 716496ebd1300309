"""One person in the form of the page: whole numbers of 16 bits, as base64."""
import base64
import colorsys

import numpy as np
from scipy.spatial.transform import Rotation

from ...motion import Motion
from ...structures import get_skeleton

COLOURS = ((98, 168, 255), (255, 138, 101), (79, 209, 165), (183, 148, 246), (246, 196, 83), (246, 135, 179))
GOLDEN = 0.618034         # of a turn, from one hue to the next
NOT_THERE = -32768        # in arrays of 16 bits
MAX_DEVIATION = 5e-4      # metres; what 16 bits cannot say so exactly is written as floats
TYPES = {'int16': 'i2', 'uint8': 'u1', 'uint16': 'u2', 'uint32': 'u4', 'int32': 'i4', 'float32': 'f4', 'float64': 'f8'}


def pack_array(values: np.ndarray) -> dict:
    """An array as the page reads it."""
    values = np.ascontiguousarray(values)
    return dict(type=TYPES[values.dtype.name], step=1.0,
                data=base64.b64encode(values.astype(values.dtype.newbyteorder('<'))).decode())


def pack_numbers(values: np.ndarray, max_deviation: float = MAX_DEVIATION) -> dict:
    """Numbers, NaN where there is none, in steps that are as small as 16 bits allow; floats if these are too large."""
    reach = float(np.abs(values[np.isfinite(values)]).max(initial=0))
    step = max(reach / 32767, 1e-7)
    if step / 2 > max_deviation:
        return pack_array(values.astype(np.float32))
    with np.errstate(invalid='ignore'):
        whole = np.where(np.isfinite(values), np.round(values / step), NOT_THERE).astype(np.int16)
    return pack_array(whole) | dict(step=step)


def pack_person(motion: Motion, truth: Motion | None, error: np.ndarray | None, *, number: int, size: float,
                shift: np.ndarray, origin: np.ndarray, mesh_every: int) -> dict:
    """What the page needs of a person. Joints are relative to a centre in each frame, so that places far off are exact.

    Args:
        motion: with z up.
        truth: at the same times, or None.
        error: ``(T,)`` metres, or None.
        number: of the person, which gives the colour.
        size: of the person, metres.
        shift: ``(3,)`` metres, by which the person stands aside.
        origin: ``(3,)`` metres, from which places on the page count.
        mesh_every: of how many frames one has its mesh on the page; 0: none.
    """
    skeleton = get_skeleton(motion.skeleton)
    sides = ['left' if 'left' in name else 'right' if 'right' in name else '' for name in skeleton.joints]
    centers = _centers(motion, truth)

    def around(points):
        return points.astype(np.float64) - centers[:, None]

    packed = dict(
        colour=colour_of(number), size=size, shift=[float(value) for value in shift], sides=sides,
        edges=[[a, b, sides[b] if sides[a] == sides[b] or not sides[a] else sides[a] if not sides[b] else '']
               for a, b in skeleton.edges],
        time=pack_array(motion.time), filled=pack_array(motion.filled.astype(np.uint8)),
        centers=pack_array((centers - origin).astype(np.float32)),
        joints=pack_numbers(np.where(motion.valid[..., None], around(motion.joints), np.nan)))
    if truth is not None and error is not None:
        packed['truth'] = pack_numbers(np.where(truth.valid[..., None], around(truth.joints), np.nan))
        packed['error'] = pack_array((100 * error).astype(np.float32))
    if motion.keypoints is not None and motion.image_size is not None:
        near = np.abs(motion.keypoints).max(-1, keepdims=True) < 2 * max(motion.image_size)
        packed['keypoints'] = pack_numbers(np.where(near, motion.keypoints, np.nan), np.inf)
    if motion.head_pose is not None and motion.head_valid is not None and motion.frame == 'world':
        packed['head'] = _pack_head(motion.head_pose, motion.head_valid, origin)
    if motion.mesh is not None and mesh_every:
        packed['mesh'] = _pack_mesh(motion.mesh, around(motion.mesh.vertices), mesh_every)
    return packed


def colour_of(number: int) -> list:
    """RGB in [0,255] of a person; those after the first six have hues of their own."""
    if number < len(COLOURS):
        return list(COLOURS[number])
    return [round(255 * part) for part in colorsys.hls_to_rgb(number * GOLDEN % 1, 0.68, 0.75)]


def _centers(motion: Motion, truth: Motion | None) -> np.ndarray:
    """``(T,3)`` middle of the joints of each frame, or of the true ones, or of the mesh."""
    centers = np.zeros((len(motion), 3))
    parts = [] if motion.mesh is None else [(motion.mesh.vertices, np.isfinite(motion.mesh.vertices).all(-1))]
    parts += [] if truth is None else [(truth.joints, truth.valid)]
    for points, there in [*parts, (motion.joints, motion.valid)]:  # the last one that is there counts
        some = there.any(1)
        total = np.where(there[..., None], points, 0).sum(1, dtype=np.float64)
        centers[some] = total[some] / there.sum(1)[some, None]
    return centers


def _pack_head(pose: np.ndarray, valid: np.ndarray, origin: np.ndarray) -> dict:
    place, turn = np.full((len(pose), 3), np.nan, np.float32), np.full((len(pose), 4), np.nan)
    if valid.any():
        place[valid] = pose[valid, :3, 3] - origin
        turn[valid] = Rotation.from_matrix(pose[valid, :3, :3]).as_quat()
    return dict(place=pack_array(place), turn=pack_numbers(turn))


def _pack_mesh(mesh, vertices: np.ndarray, every: int) -> dict:
    rows = np.flatnonzero(np.isfinite(vertices).all((1, 2)))
    rows = rows[rows % every == 0] if every > 1 else rows
    small = vertices.shape[1] <= 65536
    return dict(faces=pack_array(np.asarray(mesh.faces).astype(np.uint16 if small else np.uint32)),
                num_vertices=vertices.shape[1], every=every, rows=pack_array(rows.astype(np.int32)),
                vertices=pack_numbers(vertices[rows]))
