"""An npz in the style of AMASS, which SMPL tools open: rotations and shape of SMPL, z up."""
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from ...motion import Motion
from ...npz import write_arrays
from ...structures import get_skeleton
from .armature import frame_rate, last_rows
from .body_fit import MIRRORED, fit_body

MODELS = {24: 'smpl', 52: 'smplh', 55: 'smplx'}  # by the number of joints


def write_amass(motions: list[Motion], path: Path, unit: str | None) -> list[str]:
    """Write one person whose mesh is of a body with SMPL's tree.

    Frames without a body repeat the one before; ``valid`` tells them.

    Raises:
        ValueError: the motion has no such mesh; what to do instead.
    """
    motion, = motions
    instead = 'write bvh or glb, which need joints alone'
    person = motion.person or 'the person'
    shown = motion.upright()
    if motion.mesh is None or shown.mesh is None:
        raise ValueError(f'{path}: the motion of {person} has joints, but no parameters of SMPL: {instead}, or fit '
                         'SMPL to the joints in a JSON file')
    if motion.mesh.body_model.endswith(MIRRORED) or motion.skeleton == 'hand21':
        raise ValueError(f'{path}: the motion of {person} is one of a hand, and AMASS holds bodies: {instead}')
    try:
        fit = fit_body(shown.mesh)
    except ValueError as error:
        raise ValueError(f'{path}: the motion of {person} cannot be written as parameters of SMPL, because {error}: '
                         f'{instead}') from None
    joints = fit.rotations.shape[1]
    if joints not in MODELS:
        raise ValueError(f'{path}: {motion.mesh.body_model} has {joints} joints, and AMASS holds SMPL\'s '
                         f'{sorted(MODELS)}: {instead}')
    rows = last_rows(fit.there)
    poses = Rotation.from_matrix(fit.rotations[rows].reshape(-1, 3, 3)).as_rotvec().reshape(len(motion), 3 * joints)
    official = motion.mesh.body_model != 'open_body'
    kind = MODELS[joints] if official else 'open_body'
    rate = frame_rate(motion)
    arrays = dict(trans=fit.translation[rows], poses=poses, betas=fit.betas, gender='neutral', mocap_framerate=rate,
                  mocap_frame_rate=rate, surface_model_type=kind, valid=fit.there, joints3d=shown.joints,
                  joint_names=np.array(get_skeleton(motion.skeleton).joints), time=motion.time,
                  source=str(motion.provenance.get('recording', '')))
    if motion.head_pose is not None:
        arrays |= dict(head_pose=motion.head_pose, head_valid=motion.head_valid)
    write_arrays(path, {key: np.asarray(value) for key, value in arrays.items()})
    notes = [f'z is up, metres; {person} has one shape, with which vertices are {fit.deviation * 1000:.1f} mm off']
    if not official:
        notes.append('open_body has the joints of SMPL, but its betas and its rest pose are its own: tools for SMPL '
                     'show the rotations on another body')
    holes = int((~fit.there).sum())
    if holes:
        notes.append(f'{person}: {holes} frames without a body repeat the one before (valid is False)')
    return notes
