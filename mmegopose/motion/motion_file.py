"""The file of a :class:`.Motion`: an npz of its arrays, with everything else as JSON text. Nothing in it is run."""
import json
from pathlib import Path

import numpy as np

from ..files import DAMAGE, BadFile
from ..npz import KINDS, read_arrays, write_arrays
from ..structures import get_skeleton

FORMAT = 1
UNITS = dict(length='metre', time='second')
MAX_FACTS = 256 << 20  # bytes; four for each character
MAX_DEPTH = 64         # of facts in facts
ARRAYS = ('time', 'joints', 'valid', 'confidence', 'spread', 'filled', 'head_pose', 'head_valid', 'keypoints')
MASKS = ('valid', 'filled', 'head_valid')
MESH, PARAMETERS = ('mesh.vertices', 'mesh.faces'), 'mesh.parameters.'


def save_motion(motion, path: str | Path) -> None:
    """Write a motion; the file appears once it is complete.

    Raises:
        ValueError: ``path`` does not end in ``.npz``, the provenance holds more than plain facts, confidence is not in
            [0,1], or a valid head pose is no rigid transform.
    """
    arrays = {key: getattr(motion, key) for key in ARRAYS if getattr(motion, key) is not None}
    facts = dict(format=FORMAT, units=UNITS, skeleton=motion.skeleton,
                 joint_names=list(get_skeleton(motion.skeleton).joints), frame=motion.frame, person=motion.person,
                 image_size=motion.image_size, provenance=motion.provenance)
    if motion.mesh is not None:
        facts['body_model'] = motion.mesh.body_model
        arrays.update(zip(MESH, (motion.mesh.vertices, motion.mesh.faces)))
        arrays.update({PARAMETERS + key: value for key, value in motion.mesh.parameters.items()})
    _check_values(arrays)  # what load refuses is not written
    try:
        text = json.dumps(facts)
        _check_depth(motion.provenance)
    except (TypeError, ValueError) as error:
        raise ValueError(f'the provenance of a motion should be plain facts (numbers, text, lists, dicts): '
                         f'{error}') from None
    write_arrays(path, dict(facts=np.array(text), **arrays))


def load_motion(path: str | Path, max_bytes: int, motion_class: type, mesh_class: type):
    """Read a file of :func:`save_motion`; it may come from anybody.

    Args:
        path: file.
        max_bytes: limit of memory for its arrays.
        motion_class, mesh_class: what is made of it; they check that its arrays fit together.

    Raises:
        FileNotFoundError: there is no such file.
        BadFile: not such a file, cut off, larger than the limit, arrays that do not fit together, or joints of another
            order than the skeleton has here.
    """
    try:
        facts = _checked_facts(read_arrays(path, ['facts'], min(max_bytes, MAX_FACTS)))
        arrays = read_arrays(path, max_bytes=max_bytes)  # only now: they may be large
        _check_values(arrays)
        mesh = None
        if MESH[0] in arrays:
            mesh = mesh_class(*(arrays[key] for key in MESH), body_model=str(facts['body_model']), parameters={
                key.removeprefix(PARAMETERS): value for key, value in arrays.items() if key.startswith(PARAMETERS)})
        return motion_class(
            mesh=mesh, **{key: arrays.get(key) for key in ARRAYS},
            **{key: facts[key] for key in ('skeleton', 'frame', 'person', 'provenance')},
            image_size=facts.get('image_size'))  # files of before have none
    except BadFile:
        raise
    except DAMAGE as error:
        text = error.args[0] if error.args else error
        raise BadFile(f'{path} is not a saved motion, or a damaged one: {text}') from None


def _checked_facts(arrays: dict) -> dict:
    """The facts of a file that this version reads; ``ValueError`` if they are not those."""
    if 'facts' not in arrays:
        raise ValueError('it has no facts, which tell its skeleton; joints of your own become one with '
                         "Motion(time, joints, 'coco17').save(...)")
    facts = json.loads(str(arrays['facts']))
    if not isinstance(facts['format'], int) or facts['format'] < 1:
        raise ValueError(f'its format is {facts["format"]!r}, no whole number from 1')
    if facts['format'] > FORMAT:
        raise ValueError(f'it was written by a newer version (format {facts["format"]}, known here: {FORMAT})')
    if facts['units'] != UNITS:
        raise ValueError(f'its units are {facts["units"]}, not {UNITS}')
    names = list(get_skeleton(facts['skeleton']).joints)
    if facts['joint_names'] != names:
        raise ValueError(f'its {facts["skeleton"]} joints are {facts["joint_names"]}, here they are {names}')
    if not isinstance(facts['provenance'], dict):
        raise ValueError('its provenance is no dict')
    _check_depth(facts['provenance'])
    return facts


def _check_depth(provenance: dict) -> None:
    """``ValueError`` for facts in facts that are too deep for what goes through them."""
    layer: list = [provenance]
    for _ in range(MAX_DEPTH):
        layer = [inner for one in layer for inner in (one.values() if isinstance(one, dict) else one)
                 if isinstance(inner, (dict, list, tuple))]
        if not layer:
            return
    raise ValueError(f'its provenance is nested deeper than {MAX_DEPTH} times')


def _check_values(arrays: dict) -> None:
    """Raise ``ValueError`` for what no motion holds: numbers of another kind, confidence beyond 1, bent head poses."""
    for key, values in arrays.items():
        values = np.asarray(values)
        kinds = 'b' if key in MASKS else 'f' if key in (*ARRAYS, MESH[0]) else 'biuf' if key.startswith(PARAMETERS) \
            else KINDS
        if values.dtype.kind not in kinds:
            raise ValueError(f'{key} should be {"truth values" if kinds == "b" else "numbers"}, got {values.dtype}')
    confidence, pose = arrays.get('confidence'), arrays.get('head_pose')
    if confidence is not None and ((confidence < -1e-6) | (confidence > 1 + 1e-6)).any():
        raise ValueError(f'confidence should be in [0,1], but reaches from {np.nanmin(confidence):g} to '
                         f'{np.nanmax(confidence):g}')
    if pose is not None and pose.ndim == 3 and pose.shape[1:] == (4, 4):
        there = np.isfinite(pose).all((1, 2))
        if 'head_valid' in arrays and arrays['head_valid'].shape == there.shape:
            there &= arrays['head_valid']
        turn, last = pose[there, :3, :3], pose[there, 3]
        bent = (np.abs(turn @ turn.swapaxes(1, 2) - np.eye(3)).max((1, 2)) > 1e-3) | (np.linalg.det(turn) < 0) | (
            last != (0, 0, 0, 1)).any(1)
        if bent.any():
            raise ValueError(f'head_pose should be rotations and places, but row {np.flatnonzero(there)[bent][0]} is '
                             'no rigid transform')
