"""Motion sequences in the official Ego-Exo4D body-pose layout, so that one reader serves every source."""
import json
import os
import re
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ...files import require_new_folder, scratch_folder
from ...structures import get_skeleton
from ...structures.egoexo4d_scenarios import task_of
from ..mocap_sequences import FPS, SPLITS, MocapSequence
from .egoexo4d_hand import HANDS, hand_template, prepared_hands
from .egoexo4d_view import MANUAL_STRIDE, LandscapeView

BODY = get_skeleton('coco17').joints
FILM = 'frame_aligned_videos/aria01_214-1.mp4'  # in the folder of a take


def write_egoexo4d(sequences: Iterable[MocapSequence], root: str | Path, test_from_val: bool = False,
                   test_labels: bool = False, picture_side: int | None = None) -> dict[str, int]:
    """Write sequences as takes of the Ego-Exo4D ego-pose benchmark.

    Manual labels at 10 Hz, automatic labels at every frame. Test takes have a camera track only; the challenge template
    ``dummy_test.json`` lists their frames and ``private_test_gt.json`` keeps their joints. Hands also have labels as
    the official preparation makes them, in ``annotation/manual``, and for the test the template
    ``ego_pose_gt_anno_test_public.json`` and ``private_hand_test_gt.json``. Equal sequences give equal files. The
    folder appears complete or not at all.

    Args:
        sequences: sequences at 30 Hz; their ``split`` decides the folder. A NaN joint is missing.
        root: folder to make.
        test_from_val: also write each validation sequence as a test take ``<take name>_test``, so that the way to a
            submission can be tried.
        test_labels: also write labels of the test sequences, for an open benchmark without a server.
        picture_side: pixels of the pictures that there are of every sequence; labels then say where joints are in them.

    Returns:
        Number of takes per split.

    Raises:
        FileExistsError: ``root`` exists and is not empty.
        ValueError: there is no sequence, or two of the same name.
    """
    with new_folder(root) as folder:
        return _write(sequences, folder, test_from_val, test_labels, picture_side)


@contextmanager
def new_folder(root: str | Path) -> Iterator[Path]:
    """A folder that appears at ``root`` once the block is done, or not at all.

    What a process that was killed has left of it is deleted.

    Raises ``FileExistsError`` if ``root`` exists and is not empty, or ``ValueError`` if it is where one stands.
    """
    require_new_folder(root)
    root = Path(os.path.realpath(root))  # what a link names is made, and the link stays
    try:
        with scratch_folder(root) as unfinished:
            yield unfinished
            try:
                os.replace(unfinished, root)
            except OSError:
                require_new_folder(root)  # another process was first
                raise
    except FileExistsError:
        raise
    except OSError as error:
        raise OSError(error.errno, f'{error.strerror}: nothing is left of what was written', str(root)) from error


def take_name(sequence: MocapSequence) -> str:
    """Name and action of a sequence in one word; the words in it tell the scenario of a take."""
    action = re.sub(r'[^a-z0-9]+', '_', sequence.action.lower()).strip('_')
    return sequence.name if action in sequence.name else f'{sequence.name}_{action}'


def _write(sequences: Iterable[MocapSequence], root: Path, test_from_val: bool, test_labels: bool,
           side: int | None) -> dict[str, int]:
    takes, by_split, template, truth = {}, {split: [] for split in SPLITS}, {}, {}
    benchmarks: dict = {}
    prepared: dict = {split: {} for split in SPLITS}
    for sequence in sequences:
        entries = [(sequence.split, sequence.name, take_name(sequence))]
        if test_from_val and sequence.split == 'val':
            entries.append(('test', f'{sequence.name}_test', f'{take_name(sequence)}_test'))
        for split, key, name in entries:
            uid = str(uuid.uuid5(uuid.NAMESPACE_URL, f'mmegopose/mocap/{key}'))
            if uid in takes:
                raise ValueError(f'two sequences are named {key!r}; names should be unique')
            takes[uid] = _take(sequence, name, uid, side)
            by_split[split].append(uid)
            benchmarks[uid] = ['body_pose', 'ego_pose'] + ['hand_pose'] * (sequence.hands is not None)
            base = root / 'annotations' / 'ego_pose' / split
            view = LandscapeView(sequence.head_pose, side)
            _dump(base / 'camera_pose' / f'{uid}.json', dict(metadata=dict(take_name=name, take_uid=uid),
                                                             aria01=view.camera()))
            if sequence.hands is not None:
                prepared[split][uid] = prepared_hands(sequence.hands, view, name, uid, split == 'test')
            if split == 'test':
                joints = np.round(sequence.joints[::MANUAL_STRIDE].astype(float), 7).tolist()
                body = {str(frame * MANUAL_STRIDE): pose for frame, pose in enumerate(joints)}
                template[uid] = dict(take_name=takes[uid]['root_dir'], body=dict.fromkeys(body, []))
                truth[uid] = dict(take_name=takes[uid]['root_dir'], body=body)
            if split != 'test' or test_labels:
                parts = dict(body=(BODY, sequence.joints))
                if sequence.hands is not None:
                    parts['hand'] = HANDS, sequence.hands.reshape(-1, len(HANDS), 3)
                for part, (names, joints) in parts.items():
                    labels = view.labels(names, joints)
                    manual = {frame: labels[frame] for frame in list(labels)[::MANUAL_STRIDE]}
                    _dump(base / part / 'annotation' / f'{uid}.json', manual)
                    _dump(base / part / 'automatic' / f'{uid}.json', labels)
    if not takes:
        raise ValueError('there is no sequence to write')
    _dump(root / 'takes.json', list(takes.values()))
    _dump(root / 'annotations' / 'splits.json', dict(
        take_uid_to_split={uid: split for split, uids in by_split.items() for uid in uids}, split_to_take_uids=by_split,
        take_uid_to_benchmark=benchmarks, ds='mocap'))
    if template:
        _dump(root / 'dummy_test.json', template)
        _dump(root / 'private_test_gt.json', truth)
    for split, frames in prepared.items():
        if frames and split == 'test':
            _dump(root / 'ego_pose_gt_anno_test_public.json', hand_template(frames))
            _dump(root / 'private_hand_test_gt.json', frames)
        elif frames:
            _dump(root / 'annotation' / 'manual' / f'ego_pose_gt_anno_{split}_public.json', frames)
    return {split: len(uids) for split, uids in by_split.items()}


def _take(sequence: MocapSequence, name: str, uid: str, side: int | None) -> dict:
    word, digit = task_of(name)
    return dict(take_uid=uid, take_name=name, root_dir=f'takes/{name}', task_id=1000 * digit, task_name=sequence.action,
                parent_task_id=1000 * digit, parent_task_name=word, duration_sec=len(sequence.joints) / FPS,
                is_dropped=False, validated=True, has_trimmed_vrs=False, has_trimmed_trajectory=False,
                capture=dict(cameras=[dict(cam_id='aria01', is_ego=True, device_type='aria')]),
                frame_aligned_videos={} if side is None else dict(aria01=dict(rgb=dict(
                    cam_id='aria01', stream_id='214-1', readable_stream_id='rgb', relative_path=FILM))))


def _dump(path: Path, content) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, separators=(',', ':')), encoding='utf-8')
