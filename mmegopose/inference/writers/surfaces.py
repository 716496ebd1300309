"""OBJ and PLY: the surface at one time, or a numbered sequence of them; bones where there is no mesh."""
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ...files import atomic_write
from ...geometry.bone_shapes import TRIANGLES, octahedra
from ...geometry.conventions import UNITS
from ...motion import Motion
from ...structures import get_skeleton
from .armature import Y_UP

MAX_FILES = 10_000
Part = tuple[str, np.ndarray, np.ndarray]
"""Person, vertices ``(V,3)`` with z up, metres, faces ``(F,3)``."""


def write_obj(motions: list[Motion], path: Path, unit: str | None) -> list[str]:
    """Write a Wavefront OBJ, y up, an object for each person; several frames: a folder of files."""
    return _write(motions, path, unit, 'y is up', _obj)


def write_ply(motions: list[Motion], path: Path, unit: str | None) -> list[str]:
    """Write a binary PLY, z up, everybody in one surface; several frames: a folder of files."""
    return _write(motions, path, unit, 'z is up', _ply)


def sequence_folder(motions: list[Motion], path: Path) -> Path | None:
    """The folder of a numbered sequence, None for one file of one time."""
    return path.with_name(f'{path.stem}_{path.suffix[1:]}') if max(map(len, motions)) > 1 else None


def is_frame_of(file: Path, path: Path) -> bool:
    """Whether a file belongs to the sequence ``path``."""
    return bool(re.fullmatch(rf'{re.escape(path.stem)}_\d{{5,}}', file.stem)) and file.suffix == path.suffix


def _write(motions: list[Motion], path: Path, unit: str | None, axes: str, write) -> list[str]:
    scale, empty = 1 / UNITS[unit or 'm'], 0
    count = 0
    folder = sequence_folder(motions, path)
    shown = [motion.upright() for motion in motions]
    times = np.unique(np.concatenate([motion.time for motion in motions])) if folder else np.zeros(1)
    if len(times) > MAX_FILES:
        raise ValueError(f'{path}: a file for each of {len(times)} frames is more than {MAX_FILES}; choose some with '
                         'start, stop and fps (--start, --stop, --fps), or one with time (--time)')
    with _all_or_none(folder, path) as place:
        for number, time in enumerate(times):
            parts = [part for motion in shown for part in _parts(motion, time if folder else None)]
            if not parts:
                empty += 1
                continue
            count += 1
            file = place / f'{path.stem}_{number:05d}{path.suffix}' if folder else path
            with atomic_write(file, 'wb') as stream:
                write(stream, [(person, vertices * scale, faces) for person, vertices, faces in parts])
        if not count:
            raise ValueError(f'{path}: there is no valid pose to write')
    notes = [f'lengths are in {unit or "m"}, {axes}']
    if any(motion.mesh is None for motion in motions):
        notes.append('where there is no mesh, bones are drawn as octahedra')
    if folder:
        notes.append(f'{count} files in {folder}, one for each frame')
    return notes + ([f'{empty} frames without a pose have no file; numbers stay'] if empty else [])


@contextmanager
def _all_or_none(folder: Path | None, path: Path) -> Iterator[Path]:
    """A place for the files of a sequence, which go to ``folder`` once all are there, instead of those of an older one.

    Without a folder the place of ``path``.
    """
    if folder is None:
        yield path.parent
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with TemporaryDirectory(dir=folder.parent, prefix='.sequence-') as place:
            yield Path(place)
            folder.mkdir(exist_ok=True)
            for file in folder.iterdir():
                if is_frame_of(file, path) and not file.is_dir():
                    file.unlink()  # of a longer sequence it would stay among the new ones
            for file in Path(place).iterdir():
                os.replace(file, folder / file.name)
    except OSError as error:
        name = Path(error.filename or folder).name
        raise OSError(error.errno, error.strerror, str(folder / name if name != folder.name else folder)) from error


def _parts(motion: Motion, time: float | None) -> Iterator[Part]:
    """What is seen of a person at a time; None: at the only one."""
    if not len(motion):
        return
    row = 0
    if time is not None:
        row = int(np.abs(motion.time - time).argmin())
        if abs(motion.time[row] - time) > (0.5 / motion.fps if len(motion) > 1 else 1e-3):
            return
    if motion.mesh is not None:
        if np.isfinite(motion.mesh.vertices[row]).all():
            yield motion.person, motion.mesh.vertices[row].astype(float), motion.mesh.faces
        return
    edges = np.array(get_skeleton(motion.skeleton).edges).reshape(-1, 2)
    begins, ends = edges[motion.valid[row, edges].all(1)].T
    if len(begins):
        corners = octahedra(motion.joints[row, begins].astype(float), motion.joints[row, ends].astype(float))
        faces = TRIANGLES + 6 * np.arange(len(begins))[:, None, None]
        yield motion.person, corners.reshape(-1, 3), faces.reshape(-1, 3)


def _obj(file, parts: list[Part]) -> None:
    before = 1
    for i, (person, vertices, faces) in enumerate(parts):
        name = re.sub(r'[^\w.-]+', '_', person) or str(i)
        lines = [f'o {name}\n', ('v %.6f %.6f %.6f\n' * len(vertices)) % tuple((vertices @ Y_UP.T).ravel().tolist()),
                 ('f %d %d %d\n' * len(faces)) % tuple((faces.astype(np.int64) + before).ravel().tolist())]
        file.write(''.join(lines).encode())
        before += len(vertices)


def _ply(file, parts: list[Part]) -> None:
    starts = np.cumsum([0, *(len(vertices) for _, vertices, _ in parts)])
    vertices = np.concatenate([vertices for _, vertices, _ in parts]).astype('<f4')
    faces = np.concatenate([faces.astype(np.int64) + start for (_, _, faces), start in zip(parts, starts)])
    file.write(('ply\nformat binary_little_endian 1.0\n'
                f'element vertex {len(vertices)}\nproperty float x\nproperty float y\nproperty float z\n'
                f'element face {len(faces)}\nproperty list uchar int vertex_indices\nend_header\n').encode())
    file.write(vertices.tobytes())
    table = np.zeros(len(faces), [('count', 'u1'), ('corners', '<i4', 3)])
    table['count'], table['corners'] = 3, faces
    file.write(table.tobytes())
