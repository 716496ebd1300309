"""Submission files of the Ego-Exo4D body pose challenge: read, write, check, and score offline.

A submission is ``{take_uid: {'take_name': root_dir, 'body': {frame: [[x, y, z]] * 17}}}`` with frame numbers as text,
in world coordinates and metres. The challenge's template and the ground truth file nest alike; in the latter a missing
joint is a row of NaN.
"""
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch

from ...datasets.readers.head_pose.egoexo4d_files import read_track
from ...files import atomic_write, require
from ...structures import get_skeleton
from ..benchmarks.egoexo4d_body_benchmark import clip_mask, score_sequence, summarize_body_pose
from .submission_checks import (
    check_form,
    count_and_name,
    name_first,
    read_challenge_file,
    stack_poses,
    unit_problem,
)

SKELETON = get_skeleton('coco17')
MAX_REACH_M = 2.5  # that no joint can be from the headset, or from the middle of the body

FORBIDDEN = ('gaze', 'audio', 'exo')  # beginnings of the names of streams that the rules of the challenge forbid


def require_allowed(streams: Iterable[str]) -> None:
    """``ValueError`` for a stream that the challenge forbids; what is made of one is forbidden too."""
    if forbidden := sorted(name for name in streams if name.startswith(FORBIDDEN)):
        raise ValueError('the body pose challenge of Ego-Exo4D forbids gaze, audio and other cameras, but the model is '
                         f'given the stream {forbidden[0]!r}: leave its transform out of the pipeline of '
                         'submit_dataloader; a model whose fusion knows what is there runs without it')


def read_submission(path: str | Path) -> dict:
    """Read a submission, a template or a ground truth file.

    Raises:
        ValueError: the file is not JSON, was cut off, holds a take or frame twice, or does not nest as it should;
            names the file and the place.
    """
    submission = read_challenge_file(path)
    wanted = '{take_uid: {"take_name": text, "body": {frame: 17 x [x, y, z]}}}'
    for uid, take in submission.items():
        if not (isinstance(take, dict) and isinstance(take.get('take_name'), str)
                and isinstance(take.get('body'), dict)):
            raise ValueError(f'{path}: take {uid!r} is not of the form {wanted}')
        strange = [frame for frame in take['body'] if not (frame.isascii() and frame.isdigit())]
        if strange:
            raise ValueError(f'{path}: take {uid!r} has {strange[0]!r} where a frame number belongs; expected {wanted}')
    return submission


def write_submission(submission: dict, path: str | Path):
    """Write a submission with coordinates rounded to micrometres; poses are arrays ``(17,3)``.

    Raises:
        ValueError: a coordinate is not finite, which JSON cannot hold.
    """
    for uid, take in submission.items():
        broken = [frame for frame, pose in take['body'].items() if not np.isfinite(pose).all()]
        if broken:
            raise ValueError(f'cannot write {path}: take {uid} has coordinates that are not finite in '
                             f'{_frames(broken)}')
    with atomic_write(path) as file:
        # One take at a time: as Python lists the whole test split takes ten times the memory of its arrays.
        separator = '{'
        for uid, take in submission.items():
            body = {frame: np.round(pose, 6).tolist() for frame, pose in take['body'].items()}
            file.write(f'{separator}{json.dumps(uid)}: {json.dumps(dict(take_name=take["take_name"], body=body))}')
            separator = ',\n'
        file.write('}\n' if submission else '{}\n')


def validate_submission(submission: dict, template: dict, cameras: dict | None = None) -> list[str]:
    """All that is wrong with a submission, one line each; an empty list if it is fit to be submitted.

    Args:
        submission: as :func:`read_submission` returns it.
        template: the takes and frames that the challenge wants; its poses are ignored.
        cameras: headset positions ``{take_uid: {frame: (3,)}}`` in world coordinates, metres. Joints must be within
            2.5 m of it; where it is unknown, of the median of the body.
    """
    missing, extra = [u for u in template if u not in submission], [u for u in submission if u not in template]
    problems = []
    if missing:
        problems.append(f'{len(missing)} of {len(template)} takes are missing: {name_first(missing)}')
    if extra:
        problems.append(f'{len(extra)} takes are not in the template: {name_first(extra)}')
    for uid, take in template.items():
        if uid in submission:
            found = _sequence_problems(submission[uid], take, (cameras or {}).get(uid, {}))
            problems += [f'take {uid} ({take["take_name"]}): {text}' for text in found]
    return problems


def score_submission(submission: dict, ground_truth: dict, clip_filter: bool = True,
                     pa_mpjpe: bool = False) -> dict[str, float]:
    """Score a submission offline; the arguments and the results are those of :class:`BodyPoseMetric`.

    Frames that are only in the submission are ignored.

    Raises:
        ValueError: a frame to be scored has no prediction, or a pose is not 17 x 3 numbers.
    """
    scores = []
    for uid, truth in sorted(ground_truth.items()):
        frames = sorted(truth['body'], key=int)
        frame_ids = torch.tensor([int(frame) for frame in frames], dtype=torch.int64)
        keep = clip_mask(frame_ids) if clip_filter else torch.ones_like(frame_ids, dtype=torch.bool)
        body = submission.get(uid, dict(body={}))['body']
        missing = [frame for frame, kept in zip(frames, keep.tolist()) if kept and frame not in body]
        if missing:
            raise ValueError(f'take {uid} ({truth["take_name"]}) has no prediction for {_frames(missing)} to be scored')
        unscored = np.full((SKELETON.num_joints, 3), np.nan)
        pred = stack_poses([body.get(frame, unscored) for frame in frames], SKELETON.num_joints,
                           f'take {uid} of the submission')
        gt = stack_poses([truth['body'][frame] for frame in frames], SKELETON.num_joints,
                         f'take {uid} of the ground truth')
        visible = ~gt[..., 0].isnan()
        scores.append(score_sequence(truth['take_name'], pred, gt, visible, frame_ids, clip_filter, pa_mpjpe))
    return summarize_body_pose(scores, SKELETON)


def read_headset_positions(data_root: str | Path, uids: Sequence[str], split: str = 'test') -> dict:
    """Headset positions ``{take_uid: {frame: (3,)}}`` in world coordinates from the camera files of Ego-Exo4D.

    Reads ``annotations/ego_pose/<split>/camera_pose/<uid>.json``.

    Raises:
        FileNotFoundError: a take has no camera file.
        ValueError: a file is not of the official form.
    """
    positions = {}
    folder = require(Path(data_root) / 'annotations' / 'ego_pose' / split / 'camera_pose',
                     f'data_root={str(data_root)!r} should be the folder of Ego-Exo4D, with annotations in it')
    for uid in uids:
        path = require(folder / f'{uid}.json', f'the take {uid} needs its camera poses; download them again')
        _, first, poses, known = read_track(path, max_hole=0, counts=Counter())
        positions[uid] = {str(first + row): poses[row, :3, 3] for row in np.flatnonzero(known)}
    return positions


def _sequence_problems(found: dict, wanted: dict, cameras: dict) -> list[str]:
    body, problems = found['body'], []
    if found['take_name'] != wanted['take_name']:
        problems.append(f'take_name is {found["take_name"]!r}')
    missing, extra = [f for f in wanted['body'] if f not in body], [f for f in body if f not in wanted['body']]
    if missing:
        problems.append(f'{_frames(missing)} missing of {len(wanted["body"])}')
    if extra:
        problems.append(f'{_frames(extra)} not in the template')

    frames = np.array(list(body))
    texts, poses, index = check_form(list(body.values()), SKELETON.num_joints,
                                     lambda rows: _frames(frames[list(rows)]))
    return problems + texts + (_implausible_bodies(frames[index], poses, cameras) if len(poses) else [])


def _implausible_bodies(frames: np.ndarray, poses: np.ndarray, cameras: dict) -> list[str]:
    """What is odd about ``poses (n,17,3)`` of ``frames (n,)``, texts."""
    problems = []
    middle = np.median(poses, axis=1)                                        # (n,3)
    size = np.median(np.linalg.norm(poses - middle[:, None], axis=-1))
    # A body in metres has a size of about 0.4: the bounds lie midway (in the logarithm) between the units.
    unit = unit_problem(size, 'median distance of a joint from the middle of the body', 120, 4)
    if unit:
        return [*problems, unit]
    headset = np.array([cameras.get(frame, (np.nan,) * 3) for frame in frames.tolist()])  # (n,3)
    known = np.isfinite(headset).all(-1)
    centre = np.where(known[:, None], headset, middle)
    far = (np.linalg.norm(poses - centre[:, None], axis=-1) > MAX_REACH_M).any(-1)
    if (far & known).any():
        problems.append(f'joints farther than {MAX_REACH_M} m from the headset in {_frames(frames[far & known])}; '
                        'are they in world coordinates and metres?')
    if (far & ~known).any():
        problems.append(f'joints farther than {MAX_REACH_M} m from the middle of the body in '
                        f'{_frames(frames[far & ~known])}')
    return problems


def _frames(frames: Iterable[str]) -> str:
    return count_and_name('frame', sorted(frames, key=int))
