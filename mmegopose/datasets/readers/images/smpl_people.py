"""What the videos of SMPL bodies in the world share: people of annotation files, from the world to the camera."""
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from ....files import BadFile
from ....geometry.trajectory import LAST_ROW_TOLERANCE
from ...store import SequenceStore
from .annotations import BAD_ANNOTATION, skip_reason
from .image_rows import SkipReport, image_store


def read_extrinsics(values) -> np.ndarray:
    """Cameras ``(N,4,4)`` float64 of an annotation; ``ValueError`` if the last row of one is not 0 0 0 1."""
    cameras = np.asarray(values, np.float64)
    if cameras.shape[1:] != (4, 4) or (np.abs(cameras[:, 3] - (0, 0, 0, 1)) > LAST_ROW_TOLERANCE).any():
        raise ValueError('the last row of the cameras (N,4,4) should be 0 0 0 1: are they transposed?')
    return cameras


def to_camera(points: np.ndarray, extrinsics: np.ndarray) -> np.ndarray:
    """World points ``(N,J,3)`` in the axes of cameras ``(N,4,4)`` that map world to camera."""
    return points @ extrinsics[:, :3, :3].swapaxes(1, 2) + extrinsics[:, None, :3, 3]


def model_options(body_models: dict | None) -> dict:
    """Options of :class:`.SkinnedModel` by gender as plain values; a name or path alone is its ``source``."""
    options = {gender: dict(model) if isinstance(model, dict) else dict(source=model)
               for gender, model in (body_models or {}).items()}
    return {gender: {name: str(value) if isinstance(value, Path) else value for name, value in model.items()}
            for gender, model in options.items()}


def model_files(models: dict) -> list:
    """The files among the options of body models."""
    return [path for model in models.values() for value in model.values()
            if isinstance(value, str) and (path := Path(value).expanduser()).is_file()]


def smpl_store(root: Path, dataset_name: str, split: str, paths: Iterable, read_people: Callable,
               models: dict) -> SequenceStore:
    """Store of the people of all annotation files; a file that cannot be used is reported.

    Args:
        root, dataset_name, split: see :func:`.image_store`.
        paths: of the files.
        read_people: ``(path, report)`` to pairs ``((uid, folder), columns)``, one for each person.
        models: see :func:`model_options`.

    Raises:
        ValueError: no person can be used.
    """
    report, parts, sequences = SkipReport(), [], []
    for path in paths:
        try:
            found = list(read_people(path, report))
        except BAD_ANNOTATION as error:
            report.skip(skip_reason(error), error if isinstance(error, BadFile) else f'{path}: {error!r}')
            continue
        for (uid, folder), columns in found:
            parts.append(dict(columns, sequence=np.full(len(columns['file']), len(sequences))))
            sequences.append(dict(uid=uid, name=uid, root_dir=folder))
    if not parts:
        raise ValueError(f'{root} has no usable video; left out: {dict(report) or "nothing"}')
    columns = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    return image_store('body', root, dataset_name, split, sequences=sequences, body_models=models or None,
                       report=report, **columns)
