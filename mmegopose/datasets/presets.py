"""Names for known combinations of a reader, windows and first steps, as configs use them.

A class that takes a ``store`` is for a kind of data: :class:`HeadPoseDataset` for head
tracks, :class:`LiftingDataset` for 2D keypoints. What derives from it
names a reader. For files of your own, write a reader and name it: ``dict(type='HeadPoseDataset',
store=dict(type='my_reader', data_root='...'), windows=..., pipeline=...)``.
"""
from ..registry import DATASETS, READERS
from ..structures.protocols import get_protocol
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


@DATASETS.register_module()
class LiftingDataset(WindowDataset):
    """2D keypoints of a video in, 3D poses of its frames as targets; listed and scored by the rules of a protocol.

    Args:
        store: a store as :class:`.ReadKeypoints` wants it, or the config of a reader.
        protocol: ``'mixste'``, ``'stcformer'``, ``'motionbert'``, ``'overlap'`` or your own, see
            :func:`.register_protocol`.
        num_frames: frames in a window, T.
        frame_step: frames from one frame of a window to the next (``tds`` of STCFormer).
        window_stride: frames from one window to the next; None: the protocol's.
        mirror: list every window twice per epoch, as it is and mirrored.
        confidence: keep the third channel of the keypoints (1 if the store has none), else drop it.
        padding_mask: add the stream ``valid (B,T)``, so that attention leaves out repeated frames.
        pipeline: the transforms between :class:`.ReadKeypoints` and :class:`.PackInputs`, e.g. ``[dict(type=
            'KeypointNoise')]``.
        fields: entries of the batch that the sample should hold besides the usual ones, see :class:`.PackInputs`.
        test_mode, seed: see :class:`WindowDataset`.

    Raises:
        KeyError: unknown protocol or skeleton.
        ValueError: an option that the protocol has not, an empty store, or keypoints in pixels.
    """

    def __init__(self, store: SequenceStore | dict, *, protocol: str = 'mixste', num_frames: int = 243,
                 frame_step: int = 1, window_stride: int | None = None, mirror: bool = False, confidence: bool = False,
                 padding_mask: bool = False, pipeline: list = (), fields: tuple = (), test_mode: bool = False,
                 seed: int = 0):
        store = READERS.build(store) if isinstance(store, dict) else store
        given = dict(frame_step=(frame_step, 1), window_stride=(window_stride, None), mirror=(mirror, False))
        windows = dict(get_protocol(protocol).windows, num_frames=num_frames,
                       **{name: value for name, (value, default) in given.items() if value != default})
        pack = dict(type='PackInputs', padding_mask=padding_mask, streams=('keypoints', 'detected'), fields=fields)
        super().__init__(store.extended(info=dict(protocol=protocol)), windows,
                         [dict(type='ReadKeypoints', confidence=confidence), *pipeline, pack],
                         test_mode=test_mode, seed=seed)


@DATASETS.register_module()
class Human36MDataset(LiftingDataset):
    """Human3.6M.

    Args:
        data_root, split, keypoints, cameras, subjects, actions, subsample, cache_dir: see :func:`.read_h36m`.
        kwargs: see :class:`LiftingDataset`.
    """

    skeleton = 'h36m17'

    def __init__(self, data_root: str, split: str = 'train', *, keypoints: str = 'cpn_ft_h36m_dbb',
                 cameras: str = 'cameras_h36m.json', subjects: tuple | None = None, actions: tuple | None = None,
                 subsample: int = 1, cache_dir: str | None = None, **kwargs):
        super().__init__(dict(type='h36m', data_root=data_root, split=split, keypoints=keypoints, cameras=cameras,
                              subjects=subjects, actions=actions, subsample=subsample, cache_dir=cache_dir), **kwargs)


@DATASETS.register_module()
class HumanEvaDataset(LiftingDataset):
    """HumanEva-I.

    Args:
        data_root, split, keypoints, cameras, subjects, actions, subsample, cache_dir: see :func:`.read_humaneva`.
        kwargs: see :class:`LiftingDataset`.
    """

    skeleton = 'humaneva15'

    def __init__(self, data_root: str, split: str = 'train', *, keypoints: str = 'gt',
                 cameras: str = 'cameras_humaneva.json', subjects: tuple = ('S1', 'S2', 'S3'),
                 actions: tuple | None = ('Walking', 'Jog'), subsample: int = 1, cache_dir: str | None = None,
                 **kwargs):
        super().__init__(dict(type='humaneva', data_root=data_root, split=split, keypoints=keypoints, cameras=cameras,
                              subjects=subjects, actions=actions, subsample=subsample, cache_dir=cache_dir), **kwargs)


@DATASETS.register_module()
class MPIINF3DHPDataset(LiftingDataset):
    """MPI-INF-3DHP.

    Args:
        data_root, split, subjects, cache_dir: see :func:`.read_mpi_inf_3dhp`.
        kwargs: see :class:`LiftingDataset`.
    """

    skeleton = 'mpi_inf_3dhp17'

    def __init__(self, data_root: str, split: str = 'train', *, subjects: tuple | None = None,
                 cache_dir: str | None = None, **kwargs):
        super().__init__(dict(type='mpi_inf_3dhp', data_root=data_root, split=split, subjects=subjects,
                              cache_dir=cache_dir), **kwargs)


@DATASETS.register_module()
class MocapLiftingDataset(LiftingDataset):
    """The open lifting benchmark: motion capture in virtual cameras.

    Args:
        data_root, split, views, noise: see :func:`.read_mocap_views`.
        kwargs: see :class:`LiftingDataset`.
    """

    skeleton = 'h36m17'

    def __init__(self, data_root: str = 'sample', split: str = 'train', *, views: int = 4, noise: bool = True,
                 **kwargs):
        super().__init__(dict(type='mocap_views', data_root=data_root, split=split, views=views, noise=noise),
                         **kwargs)
