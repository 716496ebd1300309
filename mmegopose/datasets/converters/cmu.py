"""The CMU motion capture database (mocap.cs.cmu.edu) to egocentric clips.

Reads the original ASF/AMC and two popular BVH conversions, whose known errors are repaired: the MotionBuilder-friendly
one lacks the thorax bone, and the joint frames of the Daz-friendly one differ from the original by constant rotations.
Inside, bodies are y up with x to the left as in the files; the clips are z up.
"""
import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.spatial.transform import Rotation

from ..mocap_sequences import FPS, MocapSequence, MocapSequences, camera_pose
from . import asf as acclaim
from . import bvh as biovision

UNIT = acclaim.INCH / 0.45  # metres a unit of the BVH files, which keep the unit of the ASF files
CAPTURE_FPS = 120.0
Y_UP_TO_Z_UP = np.array([[0., 0, 1], [1, 0, 0], [0, 1, 0]])
# (left, up, forward) in metres from the base of the head bone, which is at jaw level between the ears: an average adult
# head, whose eyes are then at 0.936 of the stature
FACE = dict(ear=(.073, .060, .010), eye=(.031, .078, .092), nose=(0, .045, .120), neck_nose=(0, .020, .060),
            head_top=(0, .165, .005))
# by subject, so that no body of the training clips is met again
SPLIT_OF_SUBJECT = {**dict.fromkeys(('06', '16', '32', '39', '43'), 'val'),
                    **dict.fromkeys(('02', '08', '09', '12', '14', '131'), 'test')}
UNEVEN_GROUND = {'01', '03'}  # playground and rough terrain: their feet say nothing about the height of the floor
MAX_SPEED, MAX_HEAD_TURN, MIN_FRAMES = 18.0, np.radians(1500), 30  # m/s, rad/s
DAZ_BLEND, DAZ_PELVIS = 11, np.array([0., 0.14, -0.05])  # the first frames blend out of a T pose; metres
MAX_DAZ_RESIDUAL = np.radians(15)


class Link(NamedTuple):
    """A bone: its parent, its ASF name, the MotionBuilder joint at its end, and the joints that carry its rotation."""
    parent: str
    asf: str
    end: str | None
    motionbuilder: str
    daz: str | None


BONES = {
    'lhip': Link('root', 'lhipjoint', 'LeftUpLeg', 'LHipJoint', None),
    'lfemur': Link('lhip', 'lfemur', 'LeftLeg', 'LeftUpLeg', 'lThigh'),
    'ltibia': Link('lfemur', 'ltibia', 'LeftFoot', 'LeftLeg', 'lShin'),
    'lfoot': Link('ltibia', 'lfoot', 'LeftToeBase', 'LeftFoot', 'lFoot'),
    'rhip': Link('root', 'rhipjoint', 'RightUpLeg', 'RHipJoint', None),
    'rfemur': Link('rhip', 'rfemur', 'RightLeg', 'RightUpLeg', 'rThigh'),
    'rtibia': Link('rfemur', 'rtibia', 'RightFoot', 'RightLeg', 'rShin'),
    'rfoot': Link('rtibia', 'rfoot', 'RightToeBase', 'RightFoot', 'rFoot'),
    'lowerback': Link('root', 'lowerback', 'Spine', 'LowerBack', None),
    'upperback': Link('lowerback', 'upperback', 'Spine1', 'Spine', 'abdomen'),
    'thorax': Link('upperback', 'thorax', 'Neck', 'Spine1', 'chest'),
    'lowerneck': Link('thorax', 'lowerneck', 'Neck1', 'Neck', 'neck'),
    'upperneck': Link('lowerneck', 'upperneck', 'Head', 'Neck1', None),
    'head': Link('upperneck', 'head', None, 'Head', 'head'),
    'lclavicle': Link('thorax', 'lclavicle', 'LeftArm', 'LeftShoulder', 'lCollar'),
    'lhumerus': Link('lclavicle', 'lhumerus', 'LeftForeArm', 'LeftArm', 'lShldr'),
    'lradius': Link('lhumerus', 'lradius', 'LeftHand', 'LeftForeArm', 'lForeArm'),
    'rclavicle': Link('thorax', 'rclavicle', 'RightArm', 'RightShoulder', 'rCollar'),
    'rhumerus': Link('rclavicle', 'rhumerus', 'RightForeArm', 'RightArm', 'rShldr'),
    'rradius': Link('rhumerus', 'rradius', 'RightHand', 'RightForeArm', 'rForeArm'),
}
DAZ_JOINTS = {'root': 'hip', **{bone: link.daz for bone, link in BONES.items() if link.daz}}


class BoneMotion(NamedTuple):
    """Capture frames ``(T,)``, the root's positions ``(T,3)`` in metres and the bones' global rotations ``(T,3,3)``."""
    frames: np.ndarray
    root: np.ndarray
    rotations: dict


class Source(NamedTuple):
    """A file of a clip: ``'amc'`` (with its skeleton), ``'mb'`` or ``'daz'``."""
    kind: str
    path: Path
    asf: Path | None = None


@dataclass
class CmuReport:
    """What :func:`convert_cmu` left out: ``skipped`` ``{file or clip: reason}``, ``cut`` ``{clip: frames lost}``."""
    skipped: dict = field(default_factory=dict)
    cut: dict = field(default_factory=dict)
    num_pairs: int = 0


def sample_frames(num_frames: int, fps: float, first: int = 0) -> np.ndarray:
    """Nearest captured frame of every 1/30 s from frame ``first`` on."""
    if num_frames <= first:
        raise ValueError(f'a clip of {num_frames} frames is too short')
    times = np.arange(0, (num_frames - first - 1) / fps + 1e-9, 1 / FPS)
    return first + np.round(times * fps).astype(int)


def asf_offsets(skeleton: acclaim.Asf) -> dict:
    """Rest offset of every bone, ``{bone: (3,)}`` metres, from an ASF file."""
    return {bone: skeleton.bones[link.asf].offset for bone, link in BONES.items()}


def motionbuilder_offsets(file: biovision.Bvh) -> dict:
    """Rest offset of every bone, ``{bone: (3,)}`` metres, with the thorax restored.

    The conversion writes a zero offset for the joints at the end of the thorax. In the ASF files it is as long as the
    upper back to within 1 % and points straight up.
    """
    offset = dict(zip(file.names, file.offsets))
    offsets = {bone: (offset[link.end] if link.end else file.ends['Head']) * UNIT for bone, link in BONES.items()}
    if np.linalg.norm(offsets['thorax']) < 1e-6:
        offsets['thorax'] = np.array([0, np.linalg.norm(offsets['upperback']), 0])
    return offsets


def asf_motion(skeleton: acclaim.Asf, motion: dict, fps: float = CAPTURE_FPS) -> BoneMotion:
    """Motion of an AMC file at 30 Hz."""
    frames = sample_frames(len(motion['root']), fps)
    ends, rotations = acclaim.asf_kinematics(skeleton, {name: values[frames] for name, values in motion.items()})
    turns = {'root': rotations['root'], **{bone: rotations[kind.asf] for bone, kind in BONES.items()}}
    return BoneMotion(frames, ends['root'], turns)


def motionbuilder_motion(file: biovision.Bvh, fps: float) -> BoneMotion:
    """Motion of a MotionBuilder-friendly BVH file at 30 Hz. Its first frame is a T pose, not a capture."""
    frames = sample_frames(len(file.motion) - 1, fps)
    positions, rotations = biovision.bvh_kinematics(file, frames + 1)
    return BoneMotion(frames, positions['Hips'] * UNIT,
                  {'root': rotations['Hips'], **{b: rotations[k.motionbuilder] for b, k in BONES.items()}})


def daz_motion(file: biovision.Bvh, fps: float, joint_frames: np.ndarray) -> BoneMotion:
    """Motion of a Daz-friendly BVH file at 30 Hz on the bones of the ASF skeleton.

    Args:
        file: the file; its bones belong to one fixed figure, so only rotations and the hip are used.
        fps: frames a second.
        joint_frames: ``(K,3,3)`` from :func:`fit_daz_frames`.
    """
    frames = sample_frames(len(file.motion) - 1, fps, DAZ_BLEND)
    positions, rotations = biovision.bvh_kinematics(file, frames + 1)
    found = {bone: rotations[joint] @ frame for (bone, joint), frame in zip(DAZ_JOINTS.items(), joint_frames)}
    found['lhip'] = found['rhip'] = found['root']
    found['lowerback'] = _halfway(found['root'], found['upperback'])
    found['upperneck'] = _halfway(found['lowerneck'], found['head'])
    return BoneMotion(frames, positions['hip'] * 0.01 + found['root'] @ DAZ_PELVIS, found)


def _halfway(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    turn = Rotation.from_matrix(first.transpose(0, 2, 1) @ second).as_rotvec()
    return first @ Rotation.from_rotvec(turn / 2).as_matrix()


def correlate_daz(file: biovision.Bvh, motion: BoneMotion) -> tuple[np.ndarray, int]:
    """Sum over frames of ``R_daz^T R_exact`` per joint ``(K,3,3)`` of a clip present in both forms, and the frames."""
    both = (motion.frames >= DAZ_BLEND) & (motion.frames + 1 < len(file.motion))
    _, rotations = biovision.bvh_kinematics(file, motion.frames[both] + 1)
    return np.stack([np.einsum('tji,tjk->ik', rotations[joint], motion.rotations[bone][both])
                     for bone, joint in DAZ_JOINTS.items()]), int(both.sum())


def fit_daz_frames(pairs: Sequence[tuple[np.ndarray, int]]) -> np.ndarray:
    """Constant rotation ``(K,3,3)`` from the original to the Daz frame of each joint, least squares over all pairs.

    Pairs that are far from the most typical one are dropped: a few files hold another take than their name says.

    Args:
        pairs: from :func:`correlate_daz`.

    Raises:
        ValueError: there is no pair, or none in which the two forms agree.
    """
    pairs = [pair for pair in pairs if pair[1]]
    if not pairs:
        raise ValueError('no clip is present both in the Daz form and as AMC or MotionBuilder BVH, which is needed to '
                         'learn the joint frames of the Daz files')
    sums, counts = np.stack([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])
    trace = np.einsum('pkij,qkij->pq', _nearest_rotation(sums), sums) / (counts * len(DAZ_JOINTS))
    cosine = (trace - 1) / 2  # (P,P) of the mean residual of pair q with the joint frames of pair p
    kept = cosine[np.median(cosine, 1).argmax()] > np.cos(MAX_DAZ_RESIDUAL)
    if not kept.any():
        raise ValueError(f'the {len(pairs)} clips present in two forms do not agree')
    return _nearest_rotation(sums[kept].sum(0))


def _nearest_rotation(matrix: np.ndarray) -> np.ndarray:
    u, _, v = np.linalg.svd(matrix)
    u[..., 2] *= np.linalg.det(u @ v)[..., None]
    return u @ v


def place_bones(motion: BoneMotion, offsets: dict) -> dict:
    """Ends of all bones ``{bone: (T,3)}``, metres, y up."""
    ends = {'root': motion.root}
    for bone, link in BONES.items():
        ends[bone] = ends[link.parent] + motion.rotations[bone] @ offsets[bone]
    return ends


def observe(motion: BoneMotion, offsets: dict):
    """What a clip stores of a motion, z up.

    Returns:
        ``(joints (T,17,3), joints_h36m (T,17,3), head_pose (T,4,4), toes (T,2,3))``.
    """
    p = {bone: ends @ Y_UP_TO_Z_UP.T for bone, ends in place_bones(motion, offsets).items()}
    head = Y_UP_TO_Z_UP @ motion.rotations['head'] @ Y_UP_TO_Z_UP.T  # columns: forward, left, up

    def face(name, side=0):
        left, up, forward = FACE[name]
        return p['upperneck'] + head @ np.array([forward, side * left, up])

    left, right = ([p[s + bone] for bone in ('clavicle', 'humerus', 'radius', 'hip', 'femur', 'tibia')] for s in 'lr')
    eyes = face('eye', 1), face('eye', -1)
    joints = np.stack([face('nose'), *eyes, face('ear', 1), face('ear', -1),
                       *(joint for pair in zip(left, right) for joint in pair)], 1)
    h36m = np.stack([(p['lhip'] + p['rhip']) / 2, *right[3:], *left[3:], p['lowerback'],
                     (p['thorax'] + p['lowerneck']) / 2, face('neck_nose'), face('head_top'), *left[:3], *right[:3]], 1)
    return joints, h36m, camera_pose(head, sum(eyes) / 2), np.stack([p['lfoot'], p['rfoot']], 1)


def clean_segments(joints: np.ndarray, head_pose: np.ndarray) -> list[tuple[int, int]]:
    """Stretches ``[begin, end)`` of at least a second without a capture glitch (a jump of a joint or of the head)."""
    speed = np.linalg.norm(np.diff(joints, axis=0), axis=-1).max(1) * FPS
    trace = np.einsum('tij,tij->t', head_pose[1:, :3, :3], head_pose[:-1, :3, :3])
    turn = np.arccos(np.clip((trace - 1) / 2, -1, 1)) * FPS
    edges = [0, *(np.flatnonzero((speed > MAX_SPEED) | (turn > MAX_HEAD_TURN)) + 1), len(joints)]
    return [(int(a), int(b)) for a, b in zip(edges, edges[1:]) if b - a >= MIN_FRAMES]


def find_sources(raw_dir: str | Path) -> dict[str, list[Source]]:
    """Files of every clip ``{'02_01': [Source]}`` in a folder of any structure, clips in the order of their numbers."""
    raw_dir = Path(raw_dir)
    if not raw_dir.is_dir():
        raise FileNotFoundError(f'{raw_dir} is not a folder: it should hold the CMU download (.asf, .amc, .bvh)')
    skeletons, sources = {}, {}
    for path in sorted(raw_dir.rglob('*.asf')):
        skeletons.setdefault(path.stem, {})[path.parent] = path
    for path in sorted(raw_dir.rglob('*_*.???')):
        if path.suffix not in ('.amc', '.bvh') or not re.fullmatch(r'\d+_\d+', path.stem):
            continue
        if path.suffix == '.amc':
            known = skeletons.get(path.stem.split('_')[0], {})
            source = Source('amc', path, known.get(path.parent) or next(iter(known.values()), None))
        else:
            with open(path, encoding='latin-1') as file:
                source = Source('daz' if 'JOINT abdomen' in file.read(400) else 'mb', path)
        sources.setdefault(path.stem, []).append(source)
    if not sources:
        raise ValueError(f'{raw_dir} has no clip: the files should be named as in the database, e.g. 02_01.amc')
    return dict(sorted(sources.items(), key=lambda item: tuple(map(int, item[0].split('_')))))


def read_labels(raw_dir: str | Path) -> dict[str, tuple[str, float]]:
    """Description and frame rate by clip from ``CMU data.csv`` (subject, trial, description, rate), if it is there."""
    labels = {}
    for path in Path(raw_dir).rglob('CMU data.csv'):
        with open(path, encoding='latin-1', newline='') as file:
            for number, row in enumerate(csv.reader(file), 1):
                try:
                    labels[f'{int(row[0]):02d}_{int(row[1]):02d}'] = (row[2], float(row[3]))
                except (ValueError, IndexError):
                    if number > 1:
                        raise ValueError(f'{path} line {number} should hold subject, trial, description and frame '
                                         f'rate, got {row}') from None
    return labels


class _Reader:
    """Reads the files of a download; a file that cannot be used goes to the report."""

    def __init__(self, raw_dir: str | Path):
        self.report, self.sources, self.labels = CmuReport(), find_sources(raw_dir), read_labels(raw_dir)
        self.skeletons = {}  # by path of the ASF file
        self.offsets = self._subject_offsets(raw_dir)

    def _subject_offsets(self, raw_dir: str | Path) -> dict:
        found = {}
        skeletons = [Source('asf', path, path) for path in sorted(Path(raw_dir).rglob('*.asf'))]
        for source in (*skeletons, *(s for sources in self.sources.values() for s in sources if s.kind == 'mb')):
            subject = source.path.stem.split('_')[0]
            if subject not in found and (offsets := self.attempt(source, self._offsets)):
                found[subject] = offsets
        return found

    def _offsets(self, source: Source) -> dict:
        if source.kind == 'mb':
            return motionbuilder_offsets(biovision.read_bvh(source.path))
        return asf_offsets(self.skeleton(source))

    def skeleton(self, source: Source) -> acclaim.Asf:
        if source.asf is None:
            raise ValueError(f'{source.path}: its skeleton {source.path.stem.split("_")[0]}.asf is missing')
        if source.asf not in self.skeletons:
            self.skeletons[source.asf] = acclaim.read_asf(source.asf)
        return self.skeletons[source.asf]

    def attempt(self, source: Source, read: Callable, *args):
        """``read(source, *args)``, or None if the file is broken."""
        try:
            return read(source, *args)
        except Exception as error:  # one damaged file of thousands ends nothing, whatever is wrong with it
            self.report.skipped[str(source.path)] = f'it has no {error}' if type(error) is KeyError else str(error)
        return None

    def motion(self, source: Source, joint_frames=None) -> BoneMotion:
        fps = self.labels.get(source.path.stem, ('', None))[1]
        if source.kind == 'amc':
            skeleton = self.skeleton(source)
            return asf_motion(skeleton, acclaim.read_amc(source.path, skeleton), fps or CAPTURE_FPS)
        file = biovision.read_bvh(source.path)
        fps = fps or float(np.round(1 / file.frame_time))
        return motionbuilder_motion(file, fps) if source.kind == 'mb' else daz_motion(file, fps, joint_frames)

    def correlate(self, source: Source, motion: BoneMotion) -> tuple[np.ndarray, int]:
        return correlate_daz(biovision.read_bvh(source.path), motion)

    def exact_motion(self, name: str) -> tuple[str, BoneMotion] | None:
        """The longest of the exact forms of a clip, to a tenth of a second; AMC comes first."""
        found = [(source.kind, self.attempt(source, self.motion)) for source in self.sources[name]
                 if source.kind != 'daz']
        found = [(kind, motion) for kind, motion in found if motion is not None]
        return max(found, key=lambda item: (len(item[1].root) // 3, item[0] == 'amc'), default=None)


def convert_cmu(raw_dir: str | Path, progress: Callable = iter) -> tuple[MocapSequences, CmuReport]:
    """All clips of a download at 30 Hz, split by subject.

    Args:
        raw_dir: folder of any structure with files named as in the database: ``02.asf``, ``02_01.amc``, ``02_01.bvh``.
        progress: wraps the sequences of clips while they are worked on, e.g. ``rich.progress.track``.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: no clip can be used.
    """
    reader = _Reader(raw_dir)
    report, found, pairs = reader.report, [], []
    if not reader.offsets:
        raise ValueError(f'{raw_dir} has no usable skeleton (an ASF file or a MotionBuilder-friendly BVH file)'
                         + ''.join(f'; {reason}' for reason in list(report.skipped.values())[:1]))
    mean = {bone: np.mean([offsets[bone] for offsets in reader.offsets.values()], 0) for bone in BONES}

    def add(name, kind, motion):
        subject = name.split('_')[0]
        joints, h36m, pose, toes = observe(motion, reader.offsets.get(subject, mean))
        parts = clean_segments(joints, pose)
        lost = len(joints) - sum(end - begin for begin, end in parts)
        if not parts:
            report.skipped[name] = f'{len(joints)} frames at 30 Hz leave no second without a glitch'
        elif lost or len(parts) > 1:
            report.cut[name] = lost
        for number, (begin, end) in enumerate(parts):
            rows = slice(begin, end)
            clip = MocapSequence(name if len(parts) == 1 else f'{name}_part{number}', subject,
                        reader.labels.get(name, ('',))[0], kind, SPLIT_OF_SUBJECT.get(subject, 'train'), joints[rows],
                        h36m[rows], pose[rows], subject in reader.offsets)
            found.append((name, clip, np.percentile(toes[rows, :, 2].min(1), 2)))

    left = []
    for name in progress(list(reader.sources)):
        exact = reader.exact_motion(name)
        daz = [source for source in reader.sources[name] if source.kind == 'daz']
        if exact is not None:
            pairs += filter(None, (reader.attempt(source, reader.correlate, exact[1]) for source in daz))
            add(name, *exact)
        elif daz:
            left.append(daz[0])
    report.num_pairs = len(pairs)
    try:
        joint_frames = fit_daz_frames(pairs) if left else None
        for source in progress(left):
            motion = reader.attempt(source, reader.motion, joint_frames)
            if motion is not None:
                add(source.path.stem, 'daz', motion)
    except ValueError as error:
        report.skipped.update({str(source.path): str(error) for source in left})
    if not found:
        raise ValueError(f'{raw_dir}: no clip can be used, e.g. {next(iter(report.skipped.values()))}')
    _level_floor(found)
    order = list(reader.sources)
    return MocapSequences.join([clip for _, clip, _ in sorted(found, key=lambda item: order.index(item[0]))]), report


def _level_floor(found: Sequence[tuple[str, MocapSequence, float]]) -> None:
    """Shift the Daz clips of each subject in place so that their toes are as low as those of the exact clips."""
    exact = [(clip, low) for _, clip, low in found if clip.source != 'daz']
    floor = np.median([low for clip, low in exact if clip.subject not in UNEVEN_GROUND] or [low for _, low in exact])
    daz = {}
    for _, clip, low in found:
        if clip.source == 'daz':
            daz.setdefault(clip.subject, []).append((clip, low))
    for clips in daz.values():
        shift = floor - np.median([low for _, low in clips])
        for clip, _ in clips:
            for height in (clip.joints[..., 2], clip.joints_h36m[..., 2], clip.head_pose[:, 2, 3]):
                height += shift
