"""Names for known combinations of a reader, windows and first steps, as configs use them.

A class that takes a ``store`` is for a kind of data: :class:`HeadPoseDataset` for head tracks, :class:`LiftingDataset`
for 2D keypoints; what derives from it names a reader. :class:`ImageMeshDataset` takes the config of a reader. For
files of your own, write a reader and name it: ``dict(type='HeadPoseDataset', store=dict(type='my_reader',
data_root='...'), windows=..., pipeline=...)``.
"""
from mmengine.logging import MMLogger

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
        mirror_prob: instead, mirror this share of the windows, drawn anew in each epoch.
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
                 frame_step: int = 1, window_stride: int | None = None, mirror: bool = False, mirror_prob: float = 0.0,
                 confidence: bool = False, padding_mask: bool = False, pipeline: list = (), fields: tuple = (),
                 test_mode: bool = False, seed: int = 0):
        store = READERS.build(store) if isinstance(store, dict) else store
        given = dict(frame_step=(frame_step, 1), window_stride=(window_stride, None), mirror=(mirror, False))
        windows = dict(get_protocol(protocol).windows, num_frames=num_frames,
                       **{name: value for name, (value, default) in given.items() if value != default})
        pack = dict(type='PackInputs', padding_mask=padding_mask, streams=('keypoints', 'detected'), fields=fields)
        super().__init__(store.extended(info=dict(protocol=protocol)), windows,
                         [dict(type='ReadKeypoints', confidence=confidence, mirror_prob=mirror_prob), *pipeline, pack],
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
class Human36M25DDataset(LiftingDataset):
    """Human3.6M in MotionBERT's file; poses are in screen units.

    Args:
        data_root, split, file, keypoints, cache_dir: see :func:`.read_h36m_2_5d`.
        kwargs: see :class:`LiftingDataset`.

    Raises:
        ValueError: in a test, a split without ``2.5d_factor``.
    """

    skeleton = 'h36m17'

    def __init__(self, data_root: str, split: str = 'train', *, file: str = 'h36m_sh_conf_cam_source_final.pkl',
                 keypoints: str = 'detected', cache_dir: str | None = None, **kwargs):
        super().__init__(dict(type='h36m_2_5d', data_root=data_root, split=split, file=file, keypoints=keypoints,
                              cache_dir=cache_dir), **kwargs)
        if self.test_mode and 'scale' not in self.store.frames:
            raise ValueError(f"{self.store.title} of {file} has no '2.5d_factor', without which nobody knows its "
                             "metres: evaluate on split='test'")


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


@DATASETS.register_module()
class ImageMeshDataset(WindowDataset):
    """Crops of one hand or person each, or windows of them, from the official files of a data set.

    Left hands are mirrored, so that every hand is a right one. What happens to a picture that cannot be used tells
    :class:`.DecodeCrop`.

    Streams: ``image (B,T,3,H,W)``; that of the 2D pose, ``pose_image`` alike, ``pose_heatmap (B,T,J,h,w)`` or
    ``pose_array (B,T,J,3)``, with ``pose_detected (B,T)``; ``valid (B,T)``. Targets: see :class:`.MeshTargets`.

    Args:
        data_root: folder of the data set, for the reader.
        reader: config of a reader, e.g. ``dict(type='freihand')``: ``freihand``, ``ho3d``, ``hint``, ``hamer_npz``,
            ``hamer_tar``, ``coco_wholebody_hand``, ``pw3d``, ``emdb`` or your own function in ``READERS``; or a store
            as :func:`.image_store` makes it.
        split: for the reader; None: its default.
        num_frames: frames of a window, T; more than 1 needs videos.
        window_stride: frames from one window to the next in training; None: T. In tests every frame comes once.
        crop: options of :class:`.DecodeCrop`, e.g. ``dict(rescale=2.0, size=256, width=192)``.
        pose_form: form of the 2D pose: ``'image'``, ``'heatmap'``, ``'array'``, or None for none.
        heatmap_size: side of the heatmaps of the square crop.
        detections: file of 2D poses from a detector, see :func:`.read_detections`; without it they are the labels.
        augment: options of :class:`.CropAugment` in training; False: no augmentation. Bodies are mirrored in half of
            the samples by default.
        degrade: options of :class:`.DegradeImage` in training: colours, blur, holes; None: pictures stay as they are.
        corruption: options of :class:`.PoseErrors` for the 2D poses in training; False: none.
        test_mode: no randomness, true vertices where known, and the sequences for the metrics.
        seed: seed of augmentation and corruption.

    Raises:
        FileNotFoundError: a file or folder of the data set is missing; the message says what should be there.
        ValueError: an option that does not fit the data, or no usable sample.
    """

    def __init__(self, data_root: str | None = None, reader: dict | SequenceStore | None = None,
                 split: str | None = None, num_frames: int = 1, window_stride: int | None = None,
                 crop: dict | None = None, pose_form: str | None = 'image', heatmap_size: int = 64,
                 detections: str | None = None, augment: dict | bool | None = None,
                 degrade: dict | None = None, corruption: dict | bool | None = None, test_mode: bool = False,
                 seed: int = 0):
        store = _read(reader, data_root, split)
        if num_frames > 1 and not store.info['video']:
            raise ValueError(f'num_frames={num_frames} needs a data set of videos; {store.title} has single images, '
                             'num_frames=1')
        pipeline = [dict(crop or {}, type='DecodeCrop')]
        if not test_mode and augment is not False:
            options = dict(flip_prob=0.5 if store.info['kind'] == 'body' else 0.0) | dict(augment or {})
            pipeline.insert(0, dict(options, type='CropAugment'))
        if not test_mode and degrade is not None:
            pipeline.append(dict(degrade, type='DegradeImage'))
        if pose_form is not None:
            pipeline.append(dict(type='CropPose', detections=detections))
            if not test_mode and corruption is not False:
                pipeline.append(dict(corruption or {}, type='PoseErrors'))
            pipeline.append(dict(type='DrawPose', form=pose_form, heatmap_size=heatmap_size))
        pipeline.append(dict(type='MeshTargets', vertices=test_mode, body_models=store.info['body_models']))
        pipeline.append(dict(type='PackInputs', padding_mask=True, fields=('index',)))
        super().__init__(store, dict(type='ConsecutiveWindows', num_frames=num_frames, window_stride=window_stride),
                         pipeline, test_mode=test_mode, seed=seed)
        if pose_form and test_mode and not detections and store.info.get('labelled', True):
            MMLogger.get_current_instance().warning(
                'the 2D poses of the test are the labels, so its results are too good; give detections=')

    @property
    def skipped(self) -> dict:
        """Counts of the pictures that could not be used, by reason, in this process."""
        return next(step.skipped for step in self.pipeline.transforms if hasattr(step, 'skipped'))


@DATASETS.register_module()
class EgoExo4DHandDataset(ImageMeshDataset):
    """Hand pose of the wearer in pictures of the headset: the benchmark of Ego-Exo4D.

    Joints are relative to the wrist, in the axes of the camera, which lies on its side.

    Args:
        data_root, split, labels, template, mirror_left, cache_dir: see :func:`.read_egoexo4d_hand`.
        kwargs: see :class:`ImageMeshDataset`.
    """

    def __init__(self, data_root: str, split: str = 'train', *, labels: str = 'manual', template: str | None = None,
                 mirror_left: bool = True, cache_dir: str | None = None, **kwargs):
        super().__init__(data_root, dict(type='egoexo4d_hand', labels=labels, template=template,
                                         mirror_left=mirror_left, cache_dir=cache_dir), split, **kwargs)


def _read(reader, data_root: str | None, split: str | None) -> SequenceStore:
    """The store of a reader's config; ``data_root`` and ``split`` go to the reader."""
    given = {name: value for name, value in (('data_root', data_root), ('split', split)) if value is not None}
    if isinstance(reader, SequenceStore):
        return reader
    if not isinstance(reader, dict):
        raise ValueError(f"reader={reader!r} should be the config of a reader, e.g. dict(type='freihand')")
    if twice := {name: (value, reader[name]) for name, value in given.items() if reader.get(name, value) != value}:
        raise ValueError(f'the data set and its reader disagree on {twice}; give it to the data set only')
    return READERS.build(dict(reader, **given))
