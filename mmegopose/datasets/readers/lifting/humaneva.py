"""HumanEva-I (Sigal et al., IJCV 2010)."""
from pathlib import Path

from ....files import require
from ....registry import READERS
from ...cache import cached_store
from ...store import SequenceStore
from .videopose3d import VideoPose3DReader, read_cameras

FPS = 60.0
FOLDERS = dict(train='Train', test='Validate')


@READERS.register_module('humaneva')
def read_humaneva(data_root: str, split: str = 'train', *, keypoints: str = 'gt',
                  cameras: str = 'cameras_humaneva.json', subjects: tuple = ('S1', 'S2', 'S3'),
                  actions: tuple | None = ('Walking', 'Jog'), subsample: int = 1,
                  cache_dir: str | None = None) -> SequenceStore:
    """HumanEva-I as VideoPose3D passes it on: ``data_3d_humaneva15.npz`` and ``data_2d_humaneva15_<keypoints>.npz``.

    Its subjects are named ``'Train/S1'`` or ``'Validate/S1'``, and videos are cut in clips ('Walking 1 chunk0') where
    motion capture failed.

    Args:
        data_root: folder of the npz files.
        split: ``'train'`` (the subjects of Train) or ``'test'`` (of Validate).
        keypoints: detector of the 2D; it should give the 15 joints of HumanEva.
        cameras: file of the cameras of S1, S2, S3, relative to ``data_root``, in the layout of
            :func:`.read_cameras`. Only poses and image sizes are used.
        subjects: people.
        actions: actions or clips to keep, by their exact names; None keeps all. Papers give Walking and Jog.
        subsample, cache_dir: see :func:`.read_h36m`.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: files that do not fit together, or options that the data has not.
    """
    if split not in FOLDERS:
        raise ValueError(f'split={split!r} should be one of {list(FOLDERS)}')
    root, part = Path(data_root).expanduser(), FOLDERS[split]
    files = [root / name for name in ('data_3d_humaneva15.npz', f'data_2d_humaneva15_{keypoints}.npz', cameras)]
    found = sorted(p.stem.removeprefix('data_2d_humaneva15_') for p in root.glob('data_2d_humaneva15_*.npz'))
    for path, remedy in zip(files, (
            'see docs/lifting.md for how to get the files of VideoPose3D',
            f'keypoints={keypoints!r} should be one of those in the folder, {found}',
            'write the cameras in the layout of mmegopose.datasets.readers.lifting.videopose3d.read_cameras')):
        require(path, remedy)
    subjects, actions = list(subjects), None if actions is None else list(actions)

    def build():
        by_person = {f'{part}/{person}': found for person, found in read_cameras(files[2]).items()}
        return VideoPose3DReader(
            *files[:2], by_person, skeleton='humaneva15', sources=('humaneva15',), fps=FPS,
            subjects=tuple(f'{part}/{person}' for person in subjects), actions=actions,
            subsample=subsample).store(dataset_name='humaneva', split=split, root=str(root))

    return cached_store('humaneva', files, [split, keypoints, subjects, actions, subsample], build, cache_dir)
