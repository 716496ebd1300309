"""Real motion that ships inside two Python packages: pybullet 3.2.7 and holosoma-retargeting 0.1.0."""
import io
import json
import re
import zipfile
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation, Slerp

from ...files import BadFile
from ...npz import read_npy, require_bound
from ..mocap_sequences import FPS, MocapSequence, MocapSequences, camera_pose

# (forward, left, up) in metres from the point between the ears of an average adult head
FACE = dict(nose=(.110, 0, -.015), left_eye=(.082, .031, .018), right_eye=(.082, -.031, .018), left_ear=(0, .073, 0),
            right_ear=(0, -.073, 0), neck_nose=(.05, 0, -.04), head_top=(0, 0, .105))
LIMBS = ('sho', 'elb', 'wri', 'hip', 'kne', 'ank')
# x forward, y up, z right -> x forward, y left, z up
Y_UP_TO_Z_UP = np.array([[1., 0, 0], [0, 0, -1], [0, 1, 0]])
# first column of each rotation of a DeepMimic frame: 4 for a quaternion (w x y z), 1 for a hinge about z
QUATERNIONS = dict(root=4, chest=8, neck=12, rhip=16, rank=21, rsho=25, lhip=30, lank=35, lsho=39)
HINGES = dict(rkne=20, relb=29, lkne=34, lelb=43)
HOLOSOMA_ROWS = dict(neck=3, head=4, lsho=6, lelb=7, lwri=8, rsho=25, relb=26, rwri=27, lhip=43, lkne=44, lank=45,
                     rhip=47, rkne=48, rank=49)
HOLOSOMA_STEP = 4  # 120 Hz to 30 Hz
# Split by performer: the second climber is held out. Training on the robot-skeleton sequences alone and testing on all
# climbs would leave nothing comparable to learn from.
HELD_OUT = 'holosoma_b'
MAX_MEMBER = 1 << 28  # bytes of a motion in a wheel


def read_wheels(pybullet_wheel: str | Path, holosoma_wheel: str | Path) -> MocapSequences:
    """The 20 sequences of the two wheels (``pip download --no-deps pybullet==3.2.7 holosoma-retargeting==0.1.0``).

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: not a wheel, or not one with the motion files.
    """
    return MocapSequences.join(
        _members(pybullet_wheel, r'motions/(humanoid3d_\w+)\.txt$', deepmimic_sequence, 'pybullet 3.2.7')
        + _members(holosoma_wheel, r'(mocap_climb_seq_\d)_joint_positions.*\.npy$', holosoma_sequence,
                   'holosoma-retargeting 0.1.0'))


def _members(wheel: str | Path, pattern: str, convert, package: str) -> list[MocapSequence]:
    try:
        with zipfile.ZipFile(wheel) as file:
            found = [(match.group(1), member) for member in sorted(file.namelist())
                     if (match := re.search(pattern, member))]
            for _, member in found:
                require_bound(f'{wheel}: {member}', file.getinfo(member).file_size, MAX_MEMBER)
            sequences = [convert(name, file.read(member)) for name, member in found]
    except (BadFile, FileNotFoundError, IsADirectoryError, PermissionError):
        raise
    except Exception as error:  # of zipfile, JSON, numpy and scipy: damage has no common class
        raise BadFile(f'{wheel} is not a complete wheel ({type(error).__name__}: {error}); download it again') from None
    if not sequences:
        raise ValueError(f'{wheel} holds no motion: it should be the wheel of {package}')
    return sequences


def deepmimic_sequence(name: str, content: bytes) -> MocapSequence:
    """A sequence of DeepMimic (Peng et al., SIGGRAPH 2018) on the bones of its ``humanoid3d`` character."""
    table = np.array(json.loads(content)['Frames'], float)  # (T,44): seconds, root position, rotations
    times = np.concatenate([[0], np.cumsum(table[:-1, 0])])
    wanted = np.arange(0, times[-1] + 1e-9, 1 / FPS).clip(max=times[-1])
    turns = {key: Rotation.from_quat(table[:, column:column + 4], scalar_first=True)
             for key, column in QUATERNIONS.items()}
    turns |= {key: Rotation.from_rotvec(table[:, column, None] * np.array([0, 0, 1])) for key, column in HINGES.items()}
    turns = {key: Slerp(times, turn)(wanted).as_matrix() for key, turn in turns.items()}
    root = np.stack([np.interp(wanted, times, table[:, k]) for k in (1, 2, 3)], 1)

    # bone offsets in metres: data/characters/humanoid3d.txt of DeepMimic
    torso = turns['root'] @ turns['chest']
    chest = root + turns['root'] @ np.array([0, .236151, 0])
    p = dict(thorax=chest + torso @ np.array([0, .223894, 0]))
    for s, side in (('r', 1), ('l', -1)):
        thigh, upper_arm = turns['root'] @ turns[s + 'hip'], torso @ turns[s + 'sho']
        p[s + 'hip'] = root + turns['root'] @ np.array([0, 0, side * .084887])
        p[s + 'kne'] = p[s + 'hip'] + thigh @ np.array([0, -.421546, 0])
        p[s + 'ank'] = p[s + 'kne'] + thigh @ turns[s + 'kne'] @ np.array([0, -.40987, 0])
        p[s + 'sho'] = chest + torso @ np.array([-.02405, .24350, side * .18311])
        p[s + 'elb'] = p[s + 'sho'] + upper_arm @ np.array([0, -.274788, 0])
        p[s + 'wri'] = p[s + 'elb'] + upper_arm @ turns[s + 'elb'] @ np.array([0, -.258947, 0])
    p = {key: value @ Y_UP_TO_Z_UP.T for key, value in p.items()}
    head = Y_UP_TO_Z_UP @ torso @ turns['neck'] @ Y_UP_TO_Z_UP.T
    ears = p['thorax'] + head @ np.array([.01, 0, .155])
    return _sequence(name, 'deepmimic', name.removeprefix('humanoid3d_'), 'pybullet', p, head, ears)


def holosoma_sequence(name: str, content: bytes) -> MocapSequence:
    """A climb of Holosoma's retargeting demo: 53 captured joint positions, z up, 120 Hz."""
    table = read_npy(io.BytesIO(content), len(content), name)[::HOLOSOMA_STEP].astype(float)  # (T,53,3)
    p = {key: table[:, row] for key, row in HOLOSOMA_ROWS.items()}
    p['thorax'] = (p['lsho'] + p['rsho']) / 2
    # the file has no head rotation: neck to head gives up, the shoulders give left
    up = _unit(p['head'] - p['neck'])
    left = p['lsho'] - p['rsho']
    left = _unit(left - (left * up).sum(1, keepdims=True) * up)
    head = np.stack([np.cross(left, up), left, up], 2)
    performer = HELD_OUT if name.endswith('4') else 'holosoma_a'  # two sets of bone lengths
    return _sequence(name, performer, 'climbing', 'holosoma', p, head, p['head'] + head @ np.array([0, 0, .06]))


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector, axis=1, keepdims=True)


def _sequence(name: str, subject: str, action: str, source: str, p: dict, head: np.ndarray,
              ears: np.ndarray) -> MocapSequence:
    face = {key: ears + head @ np.array(offset) for key, offset in FACE.items()}
    eyes = face['left_eye'], face['right_eye']
    left, right = ([p[side + limb] for limb in LIMBS] for side in 'lr')
    joints = np.stack([face['nose'], *eyes, face['left_ear'], face['right_ear'],
                       *(joint for pair in zip(left, right) for joint in pair)], 1)
    pelvis = (p['lhip'] + p['rhip']) / 2
    h36m = np.stack([pelvis, *right[3:], *left[3:], (pelvis + p['thorax']) / 2, p['thorax'], face['neck_nose'],
                     face['head_top'], *left[:3], *right[:3]], 1)
    return MocapSequence(name, subject, action, source, 'val' if subject == HELD_OUT else 'train', joints, h36m,
                camera_pose(head, sum(eyes) / 2))
