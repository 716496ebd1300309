"""Human3.6M (Ionescu et al., TPAMI 2014)."""
from pathlib import Path

from ....files import require
from ....registry import READERS
from ...cache import cached_store
from ...store import SequenceStore
from .videopose3d import VideoPose3DReader, read_cameras

FPS = 50.0
SUBJECTS = dict(train=('S1', 'S5', 'S6', 'S7', 'S8'), test=('S9', 'S11'))
RENAME = dict(TakingPhoto='Photo', WalkingDog='WalkDog')


@READERS.register_module('h36m')
def read_h36m(data_root: str, split: str = 'train', *, keypoints: str = 'cpn_ft_h36m_dbb',
              cameras: str = 'cameras_h36m.json', subjects: tuple | None = None, actions: tuple | None = None,
              subsample: int = 1, cache_dir: str | None = None) -> SequenceStore:
    """Human3.6M as VideoPose3D passes it on: ``data_3d_h36m.npz`` and ``data_2d_h36m_<keypoints>.npz``.

    The files are read once into a memory-mapped cache, which is made anew when a file or an option changes.

    Args:
        data_root: folder of the npz files.
        split: ``'train'`` (S1, S5, S6, S7, S8) or ``'test'`` (S9, S11).
        keypoints: detector of the 2D, ``'cpn_ft_h36m_dbb'`` or ``'gt'``, say.
        cameras: file of the cameras, relative to ``data_root``, which
            ``tools/dataset_converters/h36m_cameras.py`` writes.
        subjects: other subjects than those of the split.
        actions: actions ('Sitting') or clips ('Sitting 1') to keep, by their exact names; None keeps all.
        subsample: keep every n-th frame of all clips, as if the video had fewer frames per second.
        cache_dir: where the store goes; default ``$MMEGOPOSE_CACHE`` or ``~/.cache/mmegopose``.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: files that do not fit together, or options that the data has not.
    """
    if subjects is None and split not in SUBJECTS:
        raise ValueError(f'split={split!r} should be one of {list(SUBJECTS)}, or name the subjects')
    root = Path(data_root).expanduser()
    subjects = tuple(subjects or SUBJECTS[split])
    files = [root / name for name in ('data_3d_h36m.npz', f'data_2d_h36m_{keypoints}.npz', cameras)]
    found = sorted(p.stem.removeprefix('data_2d_h36m_') for p in root.glob('data_2d_h36m_*.npz'))
    for path, remedy in zip(files, (
            'see docs/lifting.md for how to get the files of VideoPose3D',
            f'keypoints={keypoints!r} should be one of those in the folder, {found}',
            'tools/dataset_converters/h36m_cameras.py writes it')):
        require(path, remedy)
    actions = None if actions is None else list(actions)

    def build():
        return VideoPose3DReader(
            *files[:2], read_cameras(files[2]), skeleton='h36m17', sources=('h36m32', 'h36m17'), fps=FPS,
            subjects=subjects, actions=actions, subsample=subsample,
            rename=RENAME).store(dataset_name='h36m', split=split, root=str(root))

    return cached_store('h36m', files, [split, keypoints, subjects, actions, subsample], build, cache_dir)
