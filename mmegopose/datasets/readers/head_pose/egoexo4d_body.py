"""The body-pose benchmark of Ego-Exo4D (Grauman et al., CVPR 2024, arXiv 2311.18259)."""
from collections import Counter
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from mmengine.logging import MMLogger
from rich.progress import track

from ....files import DAMAGE, BadFile
from ....registry import READERS
from ...cache import cached_store
from ...shipped_motion import sample_root
from ...store import Field, SequenceStore
from .egoexo4d_files import merge_labels, read_body, read_takes, read_template, read_track, require_near

FPS = 30.0
LABEL_FOLDERS = {'manual': ('annotation',), 'automatic': ('automatic',), 'both': ('annotation', 'automatic')}
SCHEMA = dict(
    frame=Field('int32', (), 'number of the video frame'),
    label=Field('int32', (), 'row in the tables, -1: none'),
    head_pose=Field('float64', (4, 4), 'camera to world, metres, z up'),
    target=Field('bool', (), 'a frame to predict'),
    joints=Field('float32', ('J', 3), 'metres, world; one row a labelled frame'),
    views=Field('uint8', ('J',), 'cameras that see the joint, 0: no label'))


@READERS.register_module('egoexo4d_body')
def read_egoexo4d_body(data_root: str, split: str, *, labels: str = 'manual', template: str | None = None,
                       bouldering: bool = False, min_visible_joints: int = 1, min_views: int = 0, max_hole: int = 30,
                       cache_dir: str | None = None, num_parsers: int = 2) -> SequenceStore:
    """Head tracks and body poses of the wearers, from the official layout on disk.

    JSON is parsed once into a memory-mapped cache, which is made anew when a source file or an option changes.

    Args:
        data_root: the Ego-Exo4D download folder, or ``'sample'`` for the embedded sample of real motion.
        split: ``'train'``, ``'val'`` or ``'test'``.
        labels: ``'manual'``, ``'automatic'`` or ``'both'`` (manual where there are any).
        template: file of a challenge template, relative to ``data_root``: its takes and frames are predicted and no
            label is read. Needed where the test split has no labels, as in the challenge.
        bouldering: keep takes whose name contains "bouldering" (the official baseline leaves them out).
        min_visible_joints: frames with fewer visible joints are not predicted.
        min_views: joints seen by fewer cameras count as not visible for that.
        max_hole: longest hole of the camera track, in video frames, across which labels stay usable.
        cache_dir: where parsed files go; default ``$MMEGOPOSE_CACHE`` or ``~/.cache/mmegopose``.
        num_parsers: processes that parse JSON.

    Raises:
        FileNotFoundError: a folder or file of the layout is missing.
        ValueError: nothing is left after filtering, or a file that cannot be skipped is broken.
    """
    if labels not in LABEL_FOLDERS:
        raise ValueError(f'labels={labels!r} should be one of {sorted(LABEL_FOLDERS)}')
    root = sample_root() if data_root == 'sample' else Path(data_root).expanduser()
    wanted = read_template(root / template) if template else None
    sources = _sources(root, split, labels, wanted)
    files = [root / 'takes.json', *(path for paths in sources.values() for path in paths)]
    options = [split, None if wanted else labels, bouldering, max_hole]

    def build():
        jobs = [(*source, bouldering, max_hole) for source in sources.items()]
        return _parse(root, split, labels, jobs, num_parsers, strict=wanted is not None)

    store = cached_store('egoexo4d_body', (path for path in files if path and path.is_file()), options, build,
                         cache_dir)
    rows = _template_rows(store, wanted) if wanted else _labelled_rows(store, min_visible_joints, min_views)
    target = np.zeros(store.num_rows, bool)
    target[rows] = True
    return store.extended(dict(target=target))


def _sources(root: Path, split: str, labels: str, template: dict | None) -> dict:
    """``{take_uid: [camera file | None, label files ...]}`` of the split."""
    base = root / 'annotations' / 'ego_pose' / split
    cameras = {p.name.split('.')[0]: p for p in sorted((base / 'camera_pose').glob('*.json'))}
    if template is not None:
        missing = sorted(set(template) - set(cameras))
        if missing:
            raise FileNotFoundError(f'{base / "camera_pose"} lacks {len(missing)} takes of the template, '
                                    f'e.g. {missing[:3]}')
        return {uid: [cameras[uid]] for uid in sorted(template)}
    folders = [base / 'body' / name for name in LABEL_FOLDERS[labels]]
    files = {}
    for folder in folders:
        for path in sorted(folder.glob('*.json')):
            files.setdefault(path.name.split('.')[0], []).append(path)
    if not files:
        remedy = "name the challenge template, e.g. template='dummy_test.json'" if split == 'test' else \
            f'check data_root, split={split!r} and labels={labels!r}'
        raise FileNotFoundError(f'no label files in {" or ".join(map(str, folders))}: {remedy}')
    return {uid: [cameras.get(uid), *paths] for uid, paths in sorted(files.items())}


def _parse(root: Path, split: str, labels: str, jobs: list, num_parsers: int, strict: bool) -> SequenceStore:
    """Store of the takes of ``jobs``; ``strict``: none may be left out."""
    takes, counts, parts, broken = read_takes(root), Counter(), [], []
    jobs = [(uid, paths, takes.get(uid), *options) for uid, paths, *options in jobs]
    with Pool(num_parsers if len(jobs) > 8 else 1) as pool:
        found = pool.imap(_read_sequence, jobs)
        for part, skipped, take_counts in track(found, f'reading {split} takes', len(jobs), transient=True):
            counts.update(take_counts)
            if part is not None:
                parts.append(part)
            elif skipped:
                broken.append(skipped)
    if broken and strict:
        raise ValueError('a take of the template cannot be read: ' + '; '.join(broken[:5]))
    for message in broken[:20]:
        MMLogger.get_current_instance().warning(f'take left out: {message}')
    report = {k: v for k, v in sorted(counts.items()) if v}
    if not parts:
        raise ValueError(f'no usable take in {root} split={split!r} labels={labels!r}; skipped: '
                         f'{report or "nothing"}' + (f'; e.g. {broken[0]}' if broken else ''))
    info = dict(dataset_name='egoexo4d_body', split=split, skeleton='coco17', camera_axes='aria', fps=FPS,
                root=str(root))
    return SequenceStore.join(parts, links=dict(label='joints'), info=info, schema=SCHEMA,
                              report=report)


def _labelled_rows(store: SequenceStore, min_visible: int, min_views: int) -> np.ndarray:
    label = np.asarray(store.frames['label'])
    enough = (np.asarray(store.tables['views']) >= max(min_views, 1)).sum(1) >= max(min_visible, 1)
    rows = np.flatnonzero((label >= 0) & enough[np.maximum(label, 0)]) if len(enough) else np.zeros(0, np.int64)
    if not np.any(store.tables['views']):
        raise ValueError(f'{store.info["root"]} split={store.info["split"]!r} has no label of a joint that can be '
                         f'used; left out: {store.report}')
    if not len(rows):
        raise ValueError(f'no frame of {store.info["root"]} split={store.info["split"]!r} has {min_visible} joints '
                         f'seen by {min_views} cameras; relax min_visible_joints or min_views')
    return rows


def _template_rows(store: SequenceStore, template: dict) -> np.ndarray:
    rows = []
    for index, info in enumerate(store.sequences):
        begin, end = store.offsets[index:index + 2]
        frames = template[info['uid']]
        wanted = frames - int(store.frames['frame'][begin])
        outside = (wanted < 0) | (wanted >= end - begin)
        if outside.any():
            raise ValueError(f'take {info["uid"]}: the camera track lacks {int(outside.sum())} frames of the '
                             f'template, e.g. {frames[outside][:3].tolist()}')
        rows.append(begin + wanted)
    return np.concatenate(rows)


def _read_sequence(job):
    """``(part | None, message | None, counts)`` of one take; runs in a worker process."""
    uid, (camera, *label_files), take, bouldering, max_hole = job
    counts = Counter()
    try:
        if camera is None:
            counts['takes without camera file'] += 1
            return None, None, counts
        name, first, pose, tracked = read_track(camera, max_hole, counts)
        if take is None:
            counts['takes not listed in takes.json (kept)'] += 1
        name = str((take or {}).get('take_name') or name or uid)
        info = dict(uid=uid, name=name, root_dir=str((take or {}).get('root_dir') or f'takes/{name}'))
        if not bouldering and 'bouldering' in name.lower() and label_files:
            counts['bouldering takes'] += 1
            return None, None, counts
        labels = (np.zeros(0, np.int64), np.zeros((0, 17, 3), np.float32), np.zeros((0, 17), np.uint8))
        read = [read_body(path, counts) for path in label_files]
        if read:
            labels = merge_labels(*read) if len(read) == 2 else read[0]
    except BadFile as error:
        counts['takes with a broken file'] += 1
        return None, str(error), counts
    except OSError as error:
        counts['takes with a file that cannot be opened'] += 1
        return None, f'{error.filename or camera}: {error.strerror or error}', counts
    except DAMAGE as error:
        counts['takes with a broken file'] += 1
        files = ', '.join(str(path) for path in (camera, *label_files))
        return None, f'{files}: not in the Ego-Exo4D layout ({type(error).__name__}: {error})', counts
    frame, joints, views = labels
    row = frame - first
    usable = (row >= 0) & (row < len(pose))
    usable[usable] = tracked[row[usable]]
    counts['label frames without camera pose'] += int((~usable).sum())
    try:
        require_near(camera, label_files, pose[row[usable], :3, 3], joints[usable], views[usable] > 0)
    except BadFile as error:
        counts['takes with a broken file'] += 1
        return None, str(error), counts
    if label_files and not usable.any():
        counts['takes without a labelled frame'] += 1
        return None, None, counts
    label = np.full(len(pose), -1, np.int64)
    label[row[usable]] = np.arange(int(usable.sum()))
    frames = dict(frame=np.arange(first, first + len(pose), dtype=np.int32), label=label, head_pose=pose)
    return (info, frames, dict(joints=joints[usable], views=views[usable])), None, counts
