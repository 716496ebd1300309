"""The hand-pose data of Ego-Exo4D from the release: the four steps of the official tool in one, resumable and parallel.

What comes out is what handpose/data_preparation of https://github.com/EGO4D/ego-exo4d-egopose writes:
``annotation/{manual,auto}/ego_pose_gt_anno_{split}_public.json``, ``image/undistorted/{split}/{take_name}/%06d.jpg``
and ``aria_calib_json/{take_name}.json``. What it does not write are the distorted frames in between.

Work that is done stays: pictures that are there, and labels of takes whose files and options are as before, which lie
in ``.parts``. So a run that was killed goes on where it stopped.
"""
import errno
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import torch
from rich.progress import track

from ...files import DAMAGE, BadFile, atomic_write, finite_values, require, require_writable, sweep_unfinished
from ..readers.hand_pose.egoexo4d_hand import PINHOLE, SIDE
from .aria_calibration import camera_params, find_calibration, frame_calibration
from .egoexo4d_frames import seen_in_pictures, seen_pixels, write_frames
from .egoexo4d_hand_filters import HandRules
from .egoexo4d_hand_labels import TEST_KEYS, entries_text, label_take, read_camera_pose
from .egoexo4d_hand_takes import LABELS, SequenceJob, choose_takes

SPLITS = ('train', 'val', 'test')
VERSION = 1  # of the parts


@dataclass
class Preparation:
    """What was done and what was not.

    Attributes:
        counts: ``{split: {what: how many}}``, with the labels of each kind by their name.
        problems: ``(take, what is wrong)``; such a take has no labels, or lacks frames.
        files: annotation files that were written.
    """
    counts: dict[str, Counter] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)

    def lines(self, num_problems: int = 20) -> list[str]:
        """The report as text: a table of counts, and the first problems."""
        whats = {what: any(counts[what] for counts in self.counts.values())
                 for counts in self.counts.values() for what in counts}
        width = max(map(len, whats), default=0)
        told = [f'{"":{width}}' + ''.join(f'{split:>10}' for split in self.counts)]
        told += [f'{what:{width}}' + ''.join(f'{counts[what]:10}' for counts in self.counts.values())
                 for what, some in whats.items() if some]
        told += [f'{take}: {problem}' for take, problem in self.problems[:num_problems]]
        if len(self.problems) > num_problems:
            told.append(f'... and {len(self.problems) - num_problems} more')
        return told


def prepare_hands(root: str | Path, out: str | Path, splits: Iterable[str] = SPLITS, kinds: Iterable[str] = ('manual',),
                  rules: HandRules | None = None, num_workers: int = 1, template: str | Path | None = None,
                  pictures: bool = True, progress: bool = True) -> Preparation:
    """Prepare hand labels and undistorted pictures.

    Args:
        root: download folder, with takes.json, annotations/ and takes/.
        out: folder to fill; what is there is gone on with.
        splits: of ``train``, ``val``, ``test``.
        kinds: of ``manual``, ``auto``.
        num_workers: processes; each takes one take after the other.
        template: the official ``ego_pose_gt_anno_test_public.json``, whose frames and boxes are those of the test
            split; without it the one that lies in ``out`` already. Only who has labels of the test split can do
            without.
        pictures: decode and undistort, too; else labels only.

    Raises:
        FileNotFoundError: the release is not there.
        ValueError: nothing could be prepared.
    """
    root, out = require(root, 'name the folder of the Ego-Exo4D release').expanduser(), Path(out).expanduser()
    rules, splits, kinds = rules or HandRules(), tuple(dict.fromkeys(splits)), tuple(dict.fromkeys(kinds))
    for name, given, known in (('splits', splits, SPLITS), ('kinds', kinds, tuple(LABELS))):
        if not given or not set(given) <= set(known):
            raise ValueError(f'{name}={list(given)} should be some of {list(known)}')
    require_writable(out)
    if out.exists() and not out.is_dir():
        raise NotADirectoryError(f'{out} is a file: name a folder to fill')
    for folder in (out, out / 'aria_calib_json', *out.glob('annotation/*'), *out.glob('.parts/*/*')):
        sweep_unfinished(folder)
    result = Preparation({split: Counter() for split in splits})
    jobs = [job for split in splits for job in choose_takes(root, out, split, kinds, rules, template, pictures,
                                                            result.counts[split], result.problems)]
    usable = []
    for job, counts, problems, labelled in track(_run(jobs, num_workers), 'preparing takes', len(jobs), transient=True,
                                                 disable=not progress):
        usable += [(job.split, kind, job.uid) for kind in labelled]
        result.counts[job.split].update(counts)  # keeps zeros, and so the order of the checks
        result.problems += [(job.name, problem) for problem in problems]
    result.problems.sort()
    for split in splits:
        for kind in kinds:
            result.files += _join(out, kind, split, sorted(uid for *which, uid in usable if which == [split, kind]))
    if not result.files and not any(counts['frames written'] + counts['frames that were there']
                                    for counts in result.counts.values()):
        told = '; '.join(f'{take}: {problem}' for take, problem in result.problems[:3])
        raise ValueError(f'nothing of {root} could be prepared: {told or "there are no hand labels"}')
    with atomic_write(out / 'preparation.json') as file:
        json.dump(dict(root=str(root), rules=asdict(rules), counts=result.counts, problems=result.problems), file,
                  indent=1)
    return result


def _run(jobs: list[SequenceJob], num_workers: int) -> Iterator[tuple[SequenceJob, Counter, list[str], set[str]]]:
    """Results in the order in which they come."""
    if num_workers <= 1 or len(jobs) <= 1:
        yield from ((job, *_prepare(job)) for job in jobs)
        return
    # A forked process of one that has used the threads of OpenCV or torch waits for them for ever.
    with ProcessPoolExecutor(min(num_workers, len(jobs)), get_context('spawn'), _one_thread) as pool:
        futures = {pool.submit(_prepare, job): job for job in jobs}
        try:
            for future in as_completed(futures):
                yield futures[future], *future.result()
        except BrokenProcessPool:
            raise OSError('a process was killed, mostly for lack of memory: start again with fewer workers; what is '
                          'done stays') from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _one_thread() -> None:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def _prepare(job: SequenceJob) -> tuple[Counter, list[str], set[str]]:
    """Everything of one take: how many of what, what is wrong, and the kinds of labels that could be used."""
    counts, problems, kinds, numbers = Counter(takes=1), [], set(), set(job.template)
    view = 'image_portrait_view' if job.rules.portrait else 'image'
    folder = job.out / view / 'undistorted' / job.split / job.name
    params, source, seen = None, None, None
    if problem := _other_picture(job):
        return Counter({'takes left out': 1}), [problem], kinds
    try:
        params, source = _camera(job)
    except FileNotFoundError as error:
        seen = seen_in_pictures(folder, job.rules.portrait)
        if seen is None:
            return Counter({'takes left out': 1}), [str(error)], kinds
        counts['takes without a calibration, of which pictures are there'] += 1
    except (BadFile, OSError) as error:
        return Counter({'takes left out': 1}), [_told(error)], kinds
    for kind, labels in job.labels.items():
        part = _part(job.out, kind, job.split, job.uid)
        try:
            done = _read_part(part, job, labels, source)
            if done is None:
                if seen is None:
                    assert params is not None
                    seen = seen_pixels(params)
                done = _write_part(part, job, kind, labels, source, seen)
        except (OSError, *DAMAGE) as error:
            counts[f'takes left out ({kind})'] += 1
            problems.append(_told(error))
            continue
        kinds.add(kind)
        numbers.update(done['frames'])
        counts.update({f'{what} ({kind})': count for what, count in done['counts'].items()})
        problems += done['problems']
    if job.pictures and numbers:
        film = job.root / 'takes' / job.name / 'frame_aligned_videos' / f'{job.camera}_214-1.mp4'
        problems += _pictures(film, folder, sorted(numbers), params, job, counts)
    return counts, problems, kinds


def _told(error: Exception) -> str:
    """What is wrong with a take; an error that all others would have, too, goes on."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
        raise error
    if isinstance(error, (BadFile, OSError)):
        return str(error)
    return f'not in the layout of the release ({type(error).__name__}: {error})'


def _pictures(film: Path, folder: Path, numbers: list[int], params: tuple | None, job: SequenceJob,
              counts: Counter) -> list[str]:
    if params is None:
        lacking = [number for number in numbers if not (folder / f'{number:06d}.jpg').is_file()]
        counts['frames that were there'] += len(numbers) - len(lacking)
        counts['frames that cannot be undistorted'] += len(lacking)
        return [f'{len(lacking)} frames cannot be undistorted without a calibration'] if lacking else []
    try:
        lost = write_frames(film, folder, numbers, params, job.rules.portrait, counts)
    except (BadFile, OSError) as error:
        counts['takes whose recording cannot be read'] += 1
        return [_told(error)]
    if lost:
        return [f'{film} does not have {len(lost)} of {len(numbers)} frames, e.g. {lost[0]}: it is damaged, or ends '
                'before; their labels stay']
    return []


def _other_picture(job: SequenceJob) -> str | None:
    """What is wrong with the intrinsics of a take, if they are there: its labels and pictures would not agree."""
    path = _camera_pose(job)
    with suppress(BadFile, OSError):
        matrix = read_camera_pose(path, job.camera, Counter())[0]
        found, wanted = matrix[[0, 1, 0, 1], [0, 1, 2, 2]], np.array(PINHOLE)
        if not np.allclose(found, wanted, atol=1e-3):
            return (f'{path}: camera_intrinsics of {job.camera} (fx, fy, cx, cy) are {found.tolist()}, not those of '
                    f'the undistorted picture, {wanted.tolist()}; a rendered sample needs --size {SIDE}')
    return None


def _camera_pose(job: SequenceJob) -> Path:
    return job.root / 'annotations' / 'ego_pose' / job.split / 'camera_pose' / f'{job.uid}.json'


def _camera(job: SequenceJob) -> tuple[tuple, Path]:
    """Parameters of the camera for the frames, and their file, which is where the official tool has it."""
    kept, given = (folder / 'aria_calib_json' / f'{job.name}.json' for folder in (job.out, job.root))
    try:
        found, source = find_calibration([kept, given], job.root / 'takes' / job.name, job.camera)
        calibration = frame_calibration(found, source)
    except BadFile as error:
        if kept.is_file():
            raise BadFile(f'{error}; remove {kept}, so that it is made anew of the recording') from None
        raise
    if source != kept:
        with atomic_write(kept) as file:
            json.dump(calibration, file)
    return camera_params(calibration, source), kept


def _part(out: Path, kind: str, split: str, uid: str) -> Path:
    return out / '.parts' / kind / split / f'{uid}.json'


def _key(job: SequenceJob, labels: Path, source: Path | None) -> list:
    """What the labels of a take depend on."""
    files = [labels, _camera_pose(job), source]
    stats = [[file.stat().st_size, file.stat().st_mtime_ns] if file else None for file in files]
    return [VERSION, job.name, job.camera, asdict(job.rules), stats]


def _read_part(part: Path, job: SequenceJob, labels: Path, source: Path | None) -> dict | None:
    """First line of a part: its key, frames, counts and problems; None if it is to be made anew."""
    with suppress(OSError, ValueError, TypeError, KeyError), open(part, encoding='utf-8') as file:
        head = json.loads(file.readline())
        if head['key'] == _key(job, labels, source):
            return head
    return None


def _write_part(part: Path, job: SequenceJob, kind: str, labels: Path, source: Path | None, seen: np.ndarray) -> dict:
    """The first line is for us, the second is this take in the official file."""
    counts, problems = Counter(), []
    entries = label_take(labels, _camera_pose(job), job.camera, dict(take_uid=job.uid, take_name=job.name), seen,
                         job.split, kind == 'manual', job.rules, counts)
    if not entries:
        removed = Counter({what: count for what, count in counts.items() if what not in ('joints labelled',
                                                                                         'frames kept', 'hands kept')})
        most = [f', mostly for {what} ({count})' for what, count in removed.most_common(1) if count]
        problems.append(f'{labels}: no hand is kept{"".join(most)}')
    head = dict(key=_key(job, labels, source), frames=[int(frame) for frame in entries],
                counts=finite_values(counts), problems=problems)
    with atomic_write(part) as file:
        file.write(json.dumps(head) + '\n' + entries_text(entries))
    return head


def _join(out: Path, kind: str, split: str, uids: list[str]) -> list[Path]:
    """Write the official annotation file of a split from its parts; none if there is no hand."""
    texts = []
    for uid in uids:
        with open(_part(out, kind, split, uid), encoding='utf-8') as file:
            file.readline()
            text = file.read()
            if text != '{}':
                texts.append((uid, text))
    if not texts:
        return []
    folder = out / 'annotation' / kind
    names = dict(private=None, public=TEST_KEYS) if split == 'test' else dict(public=None)
    for name, keys in names.items():
        with atomic_write(folder / f'ego_pose_gt_anno_{split}_{name}.json') as file:
            for number, (uid, text) in enumerate(texts):
                if keys is not None:
                    entries = json.loads(text)
                    text = entries_text({frame: {key: entries[frame][key] for key in keys} for frame in entries})
                file.write(f'{", " if number else "{"}{json.dumps(uid)}: {text}')
            file.write('}')
    return [folder / f'ego_pose_gt_anno_{split}_{name}.json' for name in names]


def available_cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1
