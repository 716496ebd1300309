"""Names for known combinations of a reader, windows and first steps, as configs use them.

A class that takes a ``store`` is for a kind of data: :class:`HeadPoseDataset` for head tracks. What derives from it
names a reader. For files of your own, write a reader and name it: ``dict(type='HeadPoseDataset',
store=dict(type='my_reader', data_root='...'), windows=..., pipeline=...)``.
"""
from ..registry import DATASETS, READERS
from .store import SequenceStore
from .window_dataset import WindowDataset


@DATASETS.register_module()
class HeadPoseDataset(WindowDataset):
    """Head tracks with body poses.

    Args:
        store: a store as :class:`.ReadHeadPose` wants it, or the config of a reader.
        windows: config of the windows, e.g. ``dict(type='StridedWindows', num_frames=20, frame_step=3)``.
        pipeline: the transforms after :class:`.ReadHeadPose`.
        target_frames: ``'last'``: the model predicts the last frame of each window; ``'all'``: all frames of it.
        min_views: joints seen by fewer cameras count as not visible.
        test_mode, seed: see :class:`WindowDataset`.
    """

    def __init__(self, store: SequenceStore | dict, windows: dict, pipeline: list, *, target_frames: str = 'last',
                 min_views: int = 0, test_mode: bool = False, seed: int = 0):
        read = dict(type='ReadHeadPose', target_frames=target_frames, min_views=min_views)
        super().__init__(store, windows, [read, *pipeline], test_mode=test_mode, seed=seed)


@DATASETS.register_module()
class EgoExo4DBodyDataset(HeadPoseDataset):
    """Body pose of the wearer from the headset's trajectory: the benchmark of Ego-Exo4D.

    Args:
        data_root, split, labels, template, bouldering, min_visible_joints, min_views, max_hole, cache_dir, num_parsers:
            see :func:`.read_egoexo4d_body`.
        kwargs: see :class:`HeadPoseDataset`.
    """

    skeleton = 'coco17'

    def __init__(self, data_root: str, split: str, *args, labels: str = 'manual', template: str | None = None,
                 bouldering: bool = False, min_visible_joints: int = 1, min_views: int = 0, max_hole: int = 30,
                 cache_dir: str | None = None, num_parsers: int = 2, **kwargs):
        reader = dict(type='egoexo4d_body', data_root=data_root, split=split, labels=labels, template=template,
                      bouldering=bouldering, min_visible_joints=min_visible_joints, min_views=min_views,
                      max_hole=max_hole, cache_dir=cache_dir, num_parsers=num_parsers)
        super().__init__(READERS.build(reader), *args, min_views=min_views, **kwargs)
