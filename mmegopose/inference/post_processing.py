"""What may be done to a motion after the model: smoothing, bones of one length, the floor. Off unless asked for; what
was done stands in the provenance."""
import warnings
from dataclasses import replace

import numpy as np

from ..motion import Motion
from .bone_lengths import constant_bone_lengths
from .contacts import foot_contacts, on_floor
from .smoothing import check_smoothing
from .smoothing import smooth as smooth_motion


def check_post_processing(smooth: str | dict | None = None, floor: bool | float = False) -> None:
    """Raise what :func:`post_process` would for these arguments, before there is a motion: ``ValueError``,
    ``TypeError``."""
    if smooth:
        check_smoothing(**(dict(method=smooth) if isinstance(smooth, str) else dict(smooth)))
    if not isinstance(floor, bool) and floor is not None and not abs(float(floor)) < 1e4:
        raise ValueError(f'floor={floor} should be True, or the height of the floor in metres')


def post_process(motion: Motion, smooth: str | dict | None = None, constant_bones: bool | dict = False,
                 floor: bool | float = False) -> Motion:
    """Smooth, then give bones one length, then put on the floor.

    Args:
        motion: of an inferencer.
        smooth: method of :func:`.smoothing.smooth`, or a dict of ``method`` and its options.
        constant_bones: True, or lengths: see :func:`.constant_bone_lengths`.
        floor: find the floor and put it at z = 0, or the height of the floor where it is known, metres. Only for
            motions in the world.

    Returns:
        The motion; ``provenance`` tells ``smoothing``, ``bones``, ``floor`` and ``contacts``.
    """
    check_post_processing(smooth, floor)
    if smooth:
        options = dict(method=smooth) if isinstance(smooth, str) else dict(smooth)
        motion = smooth_motion(motion, **options)
    if constant_bones:
        lengths = constant_bones if isinstance(constant_bones, dict) else None
        motion, report = constant_bone_lengths(motion, lengths)
        motion = replace(motion, provenance=motion.provenance | dict(bones=report))
    if floor is False or floor is None:
        return motion
    contacts = foot_contacts(motion, None if floor is True else float(floor))
    told = motion.provenance | dict(contacts=contacts.describe())
    if not np.isfinite(contacts.floor):
        warnings.warn(f'{motion.person or "the motion"}: {contacts.describe()}; it stays at its height', stacklevel=3)
        return replace(motion, provenance=told)
    return on_floor(replace(motion, provenance=told), contacts)
