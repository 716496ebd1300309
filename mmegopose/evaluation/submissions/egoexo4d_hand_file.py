"""Submission files of the Ego-Exo4D hand pose challenge: read, write, check, and score offline.

A submission is ``{take_uid: {frame: {'left_hand_3d': 21 x [x, y, z], 'right_hand_3d': ...}}}`` with frame numbers as
text, in the axes of the undistorted landscape camera and metres, from the camera or, as the official baselines write
it, from the wrist. A hand that is not asked for is ``[]``. The template nests alike and tells the hands by their boxes,
``left_hand_bbox`` and ``right_hand_bbox``; annotation files have these and the truth, whose joints count where
``..._hand_valid_3d`` says so.
"""
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from ...files import atomic_write
from ..benchmarks.egoexo4d_hand_benchmark import EGOEXO4D_HAND
from ..benchmarks.pose_rules import joint_scores
from ..units import MM_PER_M
from .submission_checks import (
    check_form,
    count_and_name,
    hand_unit_problem,
    name_first,
    read_challenge_file,
    stack_poses,
)

SIDES = ('left', 'right')
NUM_JOINTS = 21
MAX_SIZE_M = 0.5    # of a hand, corner to corner
MAX_WRIST_M = 0.05  # of a wrist that is meant to be the origin: no camera comes so near to a hand
Hand = tuple[str, str, str]  # take, frame and side


def read_hand_poses(path: str | Path) -> dict:
    """Read a submission, a template or an annotation file, ``{take_uid: {frame: dict}}``.

    Raises:
        ValueError: the file is not JSON, was cut off, holds a take or frame twice, or does not nest as it should;
            names the file and the place.
    """
    content = read_challenge_file(path)
    for uid, take in content.items():
        frames = take if isinstance(take, dict) else {'': None}
        wrong = [frame for frame, hands in frames.items()
                 if not (frame.isascii() and frame.isdigit() and isinstance(hands, dict))]
        if wrong:
            raise ValueError(f'{path}: take {uid!r}, frame {wrong[0]!r} is not of the form '
                             '{take_uid: {frame: {"left_hand_3d": 21 x [x, y, z], "right_hand_3d": ...}}}')
    return content


def is_hand_file(content: dict) -> bool:
    """Whether a submission or a template is one of hands: its takes hold frames, not a name and a body."""
    return all(isinstance(take, dict) and 'body' not in take for take in content.values())


def wanted_hands(template: dict) -> Iterator[Hand]:
    """The hands that a template or an annotation file has: those with a box, or, without boxes, with joints."""
    for uid, take in template.items():
        for frame, hands in take.items():
            for side in SIDES:
                if hands.get(f'{side}_hand_bbox', hands.get(f'{side}_hand_3d')):
                    yield uid, frame, side


def from_wrist(submission: dict) -> bool:
    """Whether the wrist of each hand lies at the origin, so that joints are told from the wrist. Poses are valid."""
    wrists = np.array([hands[f'{side}_hand_3d'][0] for take in submission.values() for hands in take.values()
                       for side in SIDES if not _is_empty(hands.get(f'{side}_hand_3d'))])
    return bool(len(wrists)) and bool((np.linalg.norm(wrists, axis=-1) < MAX_WRIST_M).all())


def write_hand_poses(poses: dict[Hand, np.ndarray], template: dict, path: str | Path) -> None:
    """Write a submission with the takes and frames of the template, coordinates rounded to micrometres.

    Args:
        poses: ``(21,3)`` metres, by hand.
        template: ``{take_uid: {frame: anything}}``.
        path: of the JSON file; its folder is made if need be.

    Raises:
        ValueError: a coordinate is not finite, which JSON cannot hold.
    """
    broken = [_place(hand) for hand, pose in poses.items() if not np.isfinite(pose).all()]
    if broken:
        raise ValueError(f'cannot write {path}: coordinates are not finite in {count_and_name("hand", broken)}')
    with atomic_write(path) as file:
        separator = '{'
        for uid, take in template.items():
            frames = {frame: {f'{side}_hand_3d': np.round(poses[uid, frame, side], 6).tolist()
                              if (uid, frame, side) in poses else [] for side in SIDES} for frame in take}
            file.write(f'{separator}{json.dumps(uid)}: {json.dumps(frames)}')
            separator = ',\n'
        file.write('}\n' if template else '{}\n')


def validate_hand_poses(submission: dict, template: dict) -> list[str]:
    """All that is wrong with a submission, one line each; an empty list if it is fit to be submitted.

    Args:
        submission: as :func:`read_hand_poses` returns it.
        template: the takes, frames and hands that the challenge wants.
    """
    problems = []
    for verb, these, others in (('are missing', template, submission),
                                ('are not in the template', submission, template)):
        takes = [uid for uid in these if uid not in others]
        frames = [f'{uid} {frame}' for uid, take in these.items() if uid in others for frame in take
                  if frame not in others[uid]]
        for noun, names in (('take', takes), ('frame', frames)):
            if names:
                problems.append(f'{count_and_name(noun, names)} {verb}')
    wanted = list(wanted_hands(template))
    shared = [hand for hand in wanted if hand[1] in submission.get(hand[0], {})]
    entries = [submission[uid][frame].get(f'{side}_hand_3d') for uid, frame, side in shared]
    lacking = [_place(hand) for hand, entry in zip(shared, entries) if _is_empty(entry)]
    if lacking:
        problems.append(f'{count_and_name("hand", lacking)} without a pose of {len(wanted)} to be scored')
    asked = set(wanted)
    extra = [_place((uid, frame, side)) for uid, take in submission.items() for frame, hands in take.items()
             for side in SIDES if frame in template.get(uid, {}) and (uid, frame, side) not in asked
             and not _is_empty(hands.get(f'{side}_hand_3d'))]
    if extra:
        problems.append(f'{count_and_name("hand", extra)} that the template does not ask for; they should be []')
    strange = [f'{uid} {frame} {key!r}' for uid, take in submission.items() for frame, hands in take.items()
               for key in hands if key not in ('left_hand_3d', 'right_hand_3d')]
    if strange:
        problems.append(f'keys other than left_hand_3d and right_hand_3d: {name_first(strange)}')
    present = [(hand, entry) for hand, entry in zip(shared, entries) if not _is_empty(entry)]
    return problems + _pose_problems([_place(hand) for hand, _ in present], [entry for _, entry in present])


def score_hand_poses(submission: dict, ground_truth: dict, offset: bool = False) -> dict[str, float]:
    """Score a submission offline, as the official evaluator: ``MPJPE`` and ``PA-MPJPE`` in millimetres.

    Args:
        submission: as :func:`read_hand_poses` returns it; hands that the truth does not have are ignored.
        ground_truth: an annotation file.
        offset: predictions are relative to the wrist (``--offset`` of the official evaluator).

    Raises:
        ValueError: a hand of the truth has no prediction, or a pose is not 21 x 3 numbers.
    """
    hands = [hand for hand in wanted_hands(ground_truth)
             if not _is_empty(ground_truth[hand[0]][hand[1]].get(f'{hand[2]}_hand_3d'))]
    if not hands:
        raise ValueError('the ground truth has no hand with 3D joints, so there is nothing to score')
    lacking = [_place(hand) for hand in hands
               if _is_empty(submission.get(hand[0], {}).get(hand[1], {}).get(f'{hand[2]}_hand_3d'))]
    if lacking:
        raise ValueError(f'the submission has no prediction for {count_and_name("hand", lacking)} to be scored')
    pred, gt = (stack_poses([content[uid][frame][f'{side}_hand_3d'] for uid, frame, side in hands], NUM_JOINTS, name)
                for content, name in ((submission, 'the submission'), (ground_truth, 'the ground truth')))
    masks = [ground_truth[uid][frame].get(f'{side}_hand_valid_3d') for uid, frame, side in hands]
    odd = [_place(hand) for hand, mask in zip(hands, masks)
           if not (isinstance(mask, list) and len(mask) == NUM_JOINTS and all(value in (0, 1) for value in mask))]
    if odd:
        raise ValueError(f'the ground truth has no {NUM_JOINTS} truth values ..._hand_valid_3d in '
                         f'{count_and_name("hand", odd)}')
    visible = torch.tensor(masks).bool()
    if not visible.any():
        raise ValueError('the ground truth has no joint that is valid, so there is nothing to score')
    scores = joint_scores(pred, gt, visible, replace(EGOEXO4D_HAND, offset=offset))
    return {name: float(values[~values.isnan()].mean()) * MM_PER_M for name, values in scores.items()}


def _pose_problems(places: Sequence[str], entries: list) -> list[str]:
    """What is odd about the poses of some hands."""
    def hands(rows: Iterable[int]) -> str:
        return count_and_name('hand', [places[row] for row in rows])

    problems, poses, index = check_form(entries, NUM_JOINTS, hands)
    if not len(poses):
        return problems
    size = np.linalg.norm(np.ptp(poses, axis=1), axis=-1)
    if unit := hand_unit_problem(size):
        return [*problems, unit]
    if (size > MAX_SIZE_M).any():
        problems.append(f'a hand larger than half a metre in {hands(index[size > MAX_SIZE_M])}')
    rooted = np.linalg.norm(poses[:, 0], axis=-1) < MAX_WRIST_M
    if rooted.any() and not rooted.all():
        problems.append(f'the wrist is far from the origin (as in the camera), but at it in {int(rooted.sum())} others '
                        f'(as relative to the wrist), in {hands(index[~rooted])}')
    return problems


def _is_empty(entry) -> bool:
    return entry is None or (isinstance(entry, (list, np.ndarray)) and not len(entry))


def _place(hand: Hand) -> str:
    return ' '.join(hand)
