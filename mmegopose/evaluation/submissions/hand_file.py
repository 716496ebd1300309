"""Submission files of the FreiHAND and HO-3D challenges: write, read, check.

A submission is ``pred.json``, alone or zipped as the servers want it: ``[joints, vertices]`` with one entry of 21 x 3
and one of 778 x 3 numbers, in metres in the camera frame, for each image of the evaluation split in its order (for
HO-3D that of ``evaluation.txt``). FreiHAND wants the joints wrist, thumb, index, middle, ring and little finger, from
base to tip, and OpenCV axes (z forward). HO-3D wants MANO's order, wrist, index, middle, little, ring finger and thumb,
then the tips from thumb to little finger, and OpenGL axes (y up, z backward).
"""
import json
import zipfile
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from io import TextIOWrapper
from pathlib import Path

import numpy as np

from ...files import MAX_JSON, BadFile, atomic_write, parse_json, read_json
from ...npz import require_bound
from ...structures import get_skeleton
from .submission_checks import check_form, count_and_name, hand_unit_problem

MANO_JOINTS, MANO_VERTICES = 21, 778
MANO_ORDER = (0, 5, 6, 7, 9, 10, 11, 17, 18, 19, 13, 14, 15, 1, 2, 3, 4, 8, 12, 16, 20)  # of the joints of FreiHAND
HAND_BONES = np.array(get_skeleton('hand21').edges)


@dataclass(frozen=True)
class HandChallenge:
    """What a server expects.

    Attributes:
        num_samples: images of the evaluation split.
        order: index in FreiHAND's order of each joint.
        axes: factors from OpenCV axes.
    """
    num_samples: int
    order: tuple = tuple(range(MANO_JOINTS))
    axes: tuple = (1, 1, 1)


CHALLENGES = dict(freihand=HandChallenge(3960),
                  ho3d_v2=HandChallenge(11524, MANO_ORDER, (1, -1, -1)),
                  ho3d_v3=HandChallenge(20137, MANO_ORDER, (1, -1, -1)))


def get_challenge(name: str) -> HandChallenge:
    """Challenge by name. Raises ``KeyError`` that lists the known names."""
    if name not in CHALLENGES:
        raise KeyError(f'unknown challenge {name!r}; known: {sorted(CHALLENGES)}')
    return CHALLENGES[name]


def write_hand_submission(joints: np.ndarray, vertices: np.ndarray, path: str | Path, challenge: str):
    """Write a submission, with coordinates rounded to micrometres.

    Args:
        joints: ``(n,21,3)`` in FreiHAND's order, OpenCV camera axes, metres, for all challenges.
        vertices: ``(n,778,3)`` likewise, in MANO's order.
        path: a ``.json`` file, or a ``.zip`` file that will hold ``pred.json``.
        challenge: ``'freihand'``, ``'ho3d_v2'`` or ``'ho3d_v3'``.

    Raises:
        ValueError: wrong shapes, or a coordinate is not finite, which JSON cannot hold.
    """
    wanted = get_challenge(challenge)
    joints, vertices = np.asarray(joints), np.asarray(vertices)
    for name, array, points in (('joints', joints, MANO_JOINTS), ('vertices', vertices, MANO_VERTICES)):
        if array.shape != (len(joints), points, 3):
            raise ValueError(f'cannot write {path}: {name} should be (n,{points},3), one for each of the {len(joints)} '
                             f'samples, got {array.shape}')
        broken = np.flatnonzero(~np.isfinite(array).all((1, 2)))
        if len(broken):
            raise ValueError(f'cannot write {path}: {name} are not finite in {count_and_name("sample", broken)}')
    with _open_json(path) as file:
        for start, points, end in (('[[', joints[:, list(wanted.order)], '],\n'), ('[', vertices, ']]\n')):
            separator = start
            # One sample at a time: as Python lists they take ten times the memory of the array.
            for sample in points:
                file.write(separator + json.dumps(np.round(sample * np.array(wanted.axes), 6).tolist()))
                separator = ',\n'
            file.write(end if len(points) else start + end)


@contextmanager
def _open_json(path: str | Path):
    suffix = Path(path).suffix
    if suffix == '.json':
        with atomic_write(path) as file:
            yield file
    elif suffix == '.zip':
        with (atomic_write(path, 'wb') as file, zipfile.ZipFile(file, 'w', zipfile.ZIP_DEFLATED) as archive,
              archive.open('pred.json', 'w', force_zip64=True) as stream, TextIOWrapper(stream, 'utf-8') as text):
            yield text
    else:
        raise ValueError(f'a submission is a .json or a .zip file, got {path}')


def read_hand_submission(path: str | Path) -> list:
    """Content of a ``.json`` or ``.zip`` submission.

    Raises:
        BadFile: the file is no JSON list, was cut off, or the archive has no ``pred.json``.
    """
    if Path(path).suffix != '.zip':
        return read_json(path, list)
    try:
        with zipfile.ZipFile(path) as archive:
            require_bound(f'{path}: pred.json', archive.getinfo('pred.json').file_size, MAX_JSON)
            content = archive.read('pred.json')
    except KeyError:
        raise BadFile(f'{path} does not hold pred.json at its top level, but {archive.namelist()[:5]}') from None
    except (BadFile, FileNotFoundError, IsADirectoryError, PermissionError):
        raise
    except Exception as error:  # of zipfile and four ways of packing
        raise BadFile(f'{path} is cut off or no zip archive of a JSON file ({error})') from None
    return parse_json(content, f'pred.json in {path}', list)


def validate_hand_submission(submission: Sequence, challenge: str) -> list[str]:
    """All that is wrong with a submission, one line each; an empty list if it is fit to be submitted.

    Args:
        submission: as :func:`read_hand_submission` returns it.
        challenge: ``'freihand'``, ``'ho3d_v2'`` or ``'ho3d_v3'``.
    """
    wanted = get_challenge(challenge)
    if len(submission) != 2 or not all(isinstance(part, (list, np.ndarray)) for part in submission):
        return [f'should be a list of two lists, joints and vertices, got {len(submission)} entries']
    problems = []
    for name, rows, num_points in zip(('joints', 'vertices'), submission, (MANO_JOINTS, MANO_VERTICES)):
        if len(rows) != wanted.num_samples:
            problems.append(f'{name}: {len(rows)} samples; {challenge} has {wanted.num_samples}')
        texts, points, index = check_form(rows, num_points, partial(count_and_name, 'sample'), name)
        if len(points):
            texts += _implausible_hands(points, index, wanted)
        problems += [f'{name}: {text}' for text in texts]
    return problems


def _implausible_hands(points: np.ndarray, index: np.ndarray, wanted: HandChallenge) -> list[str]:
    """What is odd about ``points (n,P,3)`` of the samples ``index (n,)``."""
    unit = hand_unit_problem(np.linalg.norm(np.ptp(points, axis=1), axis=-1))
    problems = [unit] if unit else []
    behind = (points[..., 2] * wanted.axes[2] < 0).all(1)
    if behind.any():
        expected = 'OpenCV (z > 0)' if wanted.axes[2] > 0 else 'OpenGL (z < 0)'
        where = count_and_name('sample', index[behind])
        problems.append(f'behind the camera in {where}: the axes must be those of {expected}')
    if points.shape[1] == MANO_JOINTS:
        own, other = [np.empty_like(points) for _ in range(2)]
        own[:, list(wanted.order)] = points
        other[:, list(range(MANO_JOINTS) if wanted.order == MANO_ORDER else MANO_ORDER)] = points
        # Bones between wrong joints are long.
        if np.median(_bone_length(other)) < np.median(_bone_length(own)):
            names = ("MANO's", "FreiHAND's") if wanted.order == MANO_ORDER else ("FreiHAND's", "MANO's")
            problems.append(f'the order of the joints should be {names[0]}, but looks like {names[1]}')
    return problems


def _bone_length(joints: np.ndarray) -> np.ndarray:
    """Sum over the bones of hands ``(n,21,3)`` in FreiHAND's order, ``(n,)``."""
    return np.linalg.norm(joints[:, HAND_BONES[:, 1]] - joints[:, HAND_BONES[:, 0]], axis=-1).sum(-1)
