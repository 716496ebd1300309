"""The body-pose benchmark of Ego-Exo4D (Grauman et al., CVPR 2024, arXiv 2311.18259)."""
import hashlib
import json
import shutil
from collections import Counter
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from mmengine.logging import MMLogger
from rich.progress import track

from ....files import BadFile
from ....registry import DATASETS
from ...cache import cache_home
from ...shipped_motion import sample_root
from ...store import SequenceStore
from ...window_dataset import SequenceDataset
from .egoexo4d_files import merge_labels, read_body, read_takes, read_template, read_track

FPS = 30.0
CACHE_VERSION = 1
LABEL_FOLDERS = {'manual': ('annotation',), 'automatic': ('automatic',), 'both': ('annotation', 'automatic')}


@DATASETS.register_module()
class EgoExo4DBodyDataset(SequenceDataset):
    """Body pose of the wearer from the headset's trajectory, in the official layout on disk.

    JSON is parsed once into a memory-mapped cache, which is made anew when a source file or an option changes.

    Args:
        data_root: the Ego-Exo4D download folder, or ``'sample'`` for the embedded sample of real motion.
        split: ``'train'``, ``'val'`` or ``'test'``.
        labels: ``'manual'``, ``'automatic'`` or ``'both'`` (manual where there are any).
        template: file of a challenge template, relative to ``data_root``: its takes and frames are predicted and no
            label is read. Needed where the test split has no labels, as in the challenge.
        bouldering: keep takes whose name contains "bouldering" (the official baseline leaves them out).
        min_visible_joints: target frames with fewer visible joints are left out.
        max_hole: longest hole of the camera track, in video frames, across which labels stay usable.
        test_mode: publish takes and frames for the metrics.
        cache_dir: where parsed files go; default ``$MMEGOPOSE_CACHE`` or ``~/.cache/mmegopose``.
        num_parsers: processes that parse JSON.
        window, pipeline, target_frames, min_views, seed: see :class:`SequenceDataset`.

    Raises:
        FileNotFoundError: a folder or file of the layout is missing.
        ValueError: nothing is left after filtering, or a file that cannot be skipped is broken.
    """

    def __init__(self, data_root: str, split: str, window: dict, pipeline: list, *, labels: str = 'manual',
                 template: str | None = None, bouldering: bool = False, min_visible_joints: int = 1,
                 max_hole: int = 30, test_mode: bool = False, cache_dir: str | None = None, num_parsers: int = 2,
                 target_frames: str = 'last', min_views: int = 0, seed: int = 0):
        if labels not in LABEL_FOLDERS:
            raise ValueError(f'labels={labels!r} should be one of {sorted(LABEL_FOLDERS)}')
        self.root = sample_root() if data_root == 'sample' else Path(data_root).expanduser()
        self.split, self.labels, self.bouldering, self.max_hole = split, labels, bouldering, max_hole
        self.template = read_template(self.root / template) if template else None
        self.test_mode = test_mode
        store = self._cached_store(Path(cache_dir) if cache_dir else cache_home(), num_parsers)
        targets = self._template_rows(store) if template else self._labelled_rows(store, min_visible_joints, min_views)
        super().__init__(store, targets, window, pipeline, target_frames=target_frames, min_views=min_views,
                         skeleton='coco17', camera_axes='aria', fps=FPS, seed=seed)
        self._log_summary()

    @property
    def metainfo(self) -> dict:
        """Plain facts for checkpoints; in test mode also ``sequences``, the takes with the frames to score."""
        info = dict(dataset_name='egoexo4d_body', skeleton=self.skeleton, split=self.split)
        if self.test_mode:
            info['sequences'] = [dict(s, frame_ids=self.scored_frames(i)) for i, s in enumerate(self.store.sequences)]
        return info

    def _sources(self) -> dict:
        """``{take_uid: [camera file, label files ...]}`` of the split."""
        base = self.root / 'annotations' / 'ego_pose' / self.split
        cameras = {p.name.split('.')[0]: p for p in sorted((base / 'camera_pose').glob('*.json'))}
        if self.template is not None:
            missing = sorted(set(self.template) - set(cameras))
            if missing:
                raise FileNotFoundError(f'{base / "camera_pose"} lacks {len(missing)} takes of the template, '
                                        f'e.g. {missing[:3]}')
            return {uid: [cameras[uid]] for uid in sorted(self.template)}
        folders = [base / 'body' / name for name in LABEL_FOLDERS[self.labels]]
        files = {}
        for folder in folders:
            for path in sorted(folder.glob('*.json')):
                files.setdefault(path.name.split('.')[0], []).append(path)
        if not files:
            remedy = "name the challenge template, e.g. template='dummy_test.json'" if self.split == 'test' else \
                f'check data_root, split={self.split!r} and labels={self.labels!r}'
            raise FileNotFoundError(f'no label files in {" or ".join(map(str, folders))}: {remedy}')
        return {uid: [cameras.get(uid), *paths] for uid, paths in sorted(files.items())}

    def _cached_store(self, cache_dir: Path, num_parsers: int) -> SequenceStore:
        sources = self._sources()
        files = [self.root / 'takes.json', *(path for paths in sources.values() for path in paths if path)]
        stats = [(str(path), *((s := path.stat()).st_size, s.st_mtime_ns)) for path in files if path.is_file()]
        options = [CACHE_VERSION, self.split, self.labels, self.bouldering, self.max_hole, self.template is not None]
        name = hashlib.sha256(str(self.root.resolve()).encode()).hexdigest()[:12]
        version = hashlib.sha256(json.dumps([stats, options]).encode()).hexdigest()[:16]
        place = f'egoexo4d-{name}-{self.split}-{"template" if self.template else self.labels}-'
        folder = cache_dir / (place + version)
        if not (folder / 'store.json').is_file():
            self._parse(sources, num_parsers).save(folder)
            for old in cache_dir.glob(place + '*'):
                if old != folder and (old / 'store.json').is_file() and self._stale(old, options):
                    shutil.rmtree(old, ignore_errors=True)
            (folder / 'options.json').write_text(json.dumps(options))
        return SequenceStore.load(folder)

    @staticmethod
    def _stale(folder: Path, options: list) -> bool:
        """Made with the same options, hence from other versions of the sources."""
        path = folder / 'options.json'
        return path.is_file() and json.loads(path.read_text()) == options

    def _parse(self, sources: dict, num_parsers: int) -> SequenceStore:
        takes, counts, parts = read_takes(self.root), Counter(), []
        jobs = [(uid, paths, takes.get(uid), self.bouldering, self.max_hole) for uid, paths in sources.items()]
        broken = []
        with Pool(num_parsers if len(jobs) > 8 else 1) as pool:
            found = pool.imap(_read_take, jobs)
            for part, skipped, take_counts in track(found, f'reading {self.split} takes', len(jobs), transient=True):
                counts.update(take_counts)
                if part is not None:
                    parts.append(part)
                elif skipped:
                    broken.append(skipped)
        if broken and self.template is not None:
            raise ValueError('a take of the template cannot be read: ' + '; '.join(broken[:5]))
        for message in broken[:20]:
            MMLogger.get_current_instance().warning(f'take left out: {message}')
        if not parts:
            raise ValueError(f'no usable take in {self.root} split={self.split!r} labels={self.labels!r}; skipped: '
                             f'{dict(counts) or "nothing"}' + (f'; e.g. {broken[0]}' if broken else ''))
        return SequenceStore.concatenate(parts, {k: v for k, v in sorted(counts.items()) if v})

    def _labelled_rows(self, store: SequenceStore, min_visible: int, min_views: int) -> np.ndarray:
        label = np.asarray(store.frames['label'])
        enough = (np.asarray(store.labels['views']) >= max(min_views, 1)).sum(1) >= max(min_visible, 1)
        rows = np.flatnonzero((label >= 0) & enough[np.maximum(label, 0)]) if len(enough) else np.zeros(0, np.int64)
        if not len(rows):
            raise ValueError(f'no frame of {self.root} split={self.split!r} has {min_visible} joints seen by '
                             f'{min_views} cameras; relax min_visible_joints or min_views')
        return rows

    def _template_rows(self, store: SequenceStore) -> np.ndarray:
        rows = []
        for index, info in enumerate(store.sequences):
            begin, end = store.offsets[index:index + 2]
            wanted = self.template[info['uid']] - int(store.frames['frame'][begin])
            outside = (wanted < 0) | (wanted >= end - begin)
            if outside.any():
                raise ValueError(f'take {info["uid"]}: the camera track lacks {int(outside.sum())} frames of the '
                                 f'template, e.g. {self.template[info["uid"]][outside][:3].tolist()}')
            rows.append(begin + wanted)
        return np.concatenate(rows)

    def _log_summary(self) -> None:
        logger = MMLogger.get_current_instance()
        logger.info(f'EgoExo4D body {self.split}: {len(self.store)} takes, {len(self)} windows from {self.root}')
        for reason, count in self.store.report.items():
            logger.info(f'  {count} {reason}')


def _read_take(job):
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
    except (TypeError, AttributeError, KeyError, ValueError, OverflowError) as error:
        counts['takes with a broken file'] += 1
        files = ', '.join(str(path) for path in (camera, *label_files))
        return None, f'{files}: not in the Ego-Exo4D layout ({type(error).__name__}: {error})', counts
    frame, joints, views = labels
    row = frame - first
    usable = (row >= 0) & (row < len(pose))
    usable[usable] = tracked[row[usable]]
    counts['label frames without camera pose'] += int((~usable).sum())
    if label_files and not usable.any():
        counts['takes without a labelled frame'] += 1
        return None, None, counts
    label = np.full(len(pose), -1, np.int64)
    label[row[usable]] = np.arange(int(usable.sum()))
    frames = dict(frame=np.arange(first, first + len(pose), dtype=np.int32), label=label, head_pose=pose,
                  head_peak=np.maximum.accumulate(pose[:, 2, 3]))
    return (info, frames, dict(joints=joints[usable], views=views[usable])), None, counts
