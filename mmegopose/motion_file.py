"""The file of a :class:`.Motion`: an npz of its arrays, with everything else as JSON text. Nothing in it is run."""
import json
from pathlib import Path

import numpy as np

from .files import BadFile
from .npz import read_arrays, write_arrays
from .structures import get_skeleton

FORMAT = 1
UNITS = dict(length='metre', time='second')
ARRAYS = ('time', 'joints', 'valid', 'confidence', 'spread', 'filled', 'head_pose', 'head_valid')
MESH, PARAMETERS = ('mesh.vertices', 'mesh.faces'), 'mesh.parameters.'


def save_motion(motion, path: str | Path) -> None:
    """Write a motion; the file appears once it is complete.

    Raises:
        ValueError: ``path`` does not end in ``.npz``, or the provenance holds more than plain facts.
    """
    arrays = {key: getattr(motion, key) for key in ARRAYS if getattr(motion, key) is not None}
    facts = dict(format=FORMAT, units=UNITS, skeleton=motion.skeleton,
                 joint_names=list(get_skeleton(motion.skeleton).joints), frame=motion.frame, person=motion.person,
                 provenance=motion.provenance)
    if motion.mesh is not None:
        facts['body_model'] = motion.mesh.body_model
        arrays.update(zip(MESH, (motion.mesh.vertices, motion.mesh.faces)))
        arrays.update({PARAMETERS + key: value for key, value in motion.mesh.parameters.items()})
    try:
        text = json.dumps(facts)
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
    arrays = read_arrays(path, max_bytes=max_bytes)
    try:
        facts = json.loads(str(arrays.pop('facts')))
        if facts['format'] > FORMAT:
            raise ValueError(f'it was written by a newer version (format {facts["format"]}, known here: {FORMAT})')
        if facts['units'] != UNITS:
            raise ValueError(f'its units are {facts["units"]}, not {UNITS}')
        names = list(get_skeleton(facts['skeleton']).joints)
        if facts['joint_names'] != names:
            raise ValueError(f'its {facts["skeleton"]} joints are {facts["joint_names"]}, here they are {names}')
        if not isinstance(facts['provenance'], dict):
            raise ValueError('its provenance is no dict')
        mesh = None
        if MESH[0] in arrays:
            mesh = mesh_class(*(arrays[key] for key in MESH), body_model=str(facts['body_model']), parameters={
                key.removeprefix(PARAMETERS): value for key, value in arrays.items() if key.startswith(PARAMETERS)})
        return motion_class(mesh=mesh, **{key: arrays.get(key) for key in ARRAYS}, **{
            key: facts[key] for key in ('skeleton', 'frame', 'person', 'provenance')})
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
        text = error.args[0] if error.args else error
        raise BadFile(f'{path} is not a saved motion, or a damaged one: {text}') from None
