"""Body pose from the track of a headset."""
import warnings
from pathlib import Path

import numpy as np

from ..datasets.readers.head_pose.egoexo4d_body import FPS
from ..files import BadFile
from ..geometry.conventions import PoseConvention, invert
from ..geometry.rigid import apply_rigid
from ..models.layers import lay_out_for_single_windows
from ..motion import Motion
from ..registry import INFERENCERS
from ..structures import get_skeleton
from .inferencer import Inferencer
from .inputs import track_store
from .inputs.hands import HandTrack, read_wrists, recorded_wrists
from .inputs.head_tracks import HeadTrack, device_offset, read_array_track, read_head_track
from .inputs.head_tracks import head_offset as read_offset
from .inputs.head_tracks.track_formats import require_options
from .inputs.head_tracks.track_import import override
from .post_processing import check_post_processing, post_process
from .streaming import LiveHeadPose
from .streaming.live_head_pose import NO_WRISTS


@INFERENCERS.register_module()
class HeadPoseInferencer(Inferencer):
    """Body pose from a head track, by a trained model and the data pipeline of its config.

    ::

        predict = HeadPoseInferencer('config.py', 'checkpoint.pth')
        motion, = predict('mps_recording_vrs')                          # or a file, a HeadTrack, an array (N,4,4)
        motion, = predict(poses, fps=30, wrists=places)                 # (N,4,4), (N,2,3), by a model that reads wrists

    Args:
        head_camera: device whose camera the model expects, see :data:`.head_offsets.DEVICES`; default: that of the data
            which its config names, ``'aria_gen1'`` for Ego-Exo4D and ``'eyes'`` for the sample of motion capture; a
            config may say it: ``head_camera = 'eyes'``.
        kwargs: ``config``, ``checkpoint``, ``model``, ``device``, ``precision``, ``engine``,
            ``progress``: see :class:`.Inferencer`.
    """
    datasets = ('HeadPoseDataset',)

    def __init__(self, *args, head_camera: str | None = None, **kwargs):
        super().__init__(*args, **kwargs)
        found, self.camera_axes = _expected_camera(self.dataset)
        self.head_camera = head_camera or self.cfg.get('head_camera') or found

    def __call__(self, track, *, format: str = 'auto', wrists=None, fields: dict | None = None,
                 person: str = 'wearer', batch_size: int = 256, smooth: str | dict | None = None,
                 constant_bones: bool | dict = False, floor: bool | float = False, **options) -> list[Motion]:
        """The pose of the wearer at 30 frames a second, each from that frame and earlier ones only.

        Args:
            track: a file or folder that :func:`.read_head_track` knows; a :class:`.HeadTrack`; or an array ``(N,4,4)``
                with ``fps`` or ``time`` as :func:`.read_array_track` takes it.
            format: of the file.
            wrists: of a model that reads them: a file, a :class:`.HandTrack` or an array ``(N,2,3)`` as
                :func:`.read_wrists` takes it; an array has the axes and the unit of the poses if these are an array,
                too. Default: the tracked hands in a recording of Aria MPS, if it has any; False: none. The model
                works without, and where hands are not seen.
            fields: more arrays ``(N, ...)``, a row for each row of the track, that the transforms of the config read
                from the store, e.g. of another sensor; they are resampled with the track.
            person: name of the wearer.
            batch_size: windows per forward pass.
            smooth, constant_bones, floor: see :func:`.post_process`.
            options: of the reader: ``preset``, ``up``, ``camera``, ``unit``, ``head_offset``, ``check``, ...

        Returns:
            One Motion, in the world of the recording, from its first to its last pose. Where the track has a hole or
            jumps, or its world changes, the frames between are not valid; what follows is predicted as if it were
            another recording, and nothing is bridged. Its ``head_pose`` is the track.

        Raises:
            FileNotFoundError, BadFile: the recording cannot be read.
            ImplausibleTrack: the poses are not those of a head; the message names the likely cause and its remedy.
            ValueError: an array of another shape, a field of another length, or wrists for a model that reads none.
        """
        check_post_processing(smooth, floor)
        given, track = track, self._read(track, format, options)
        hands = self._hands(wrists, given, track, options)
        even = track.resample(FPS)
        store = track_store([track], FPS, fields=[fields or {}], hands=None if hands is None else [hands],
                            head_camera=self.head_camera, camera_axes=self.camera_axes, skeleton=self.skeleton)
        joints = np.full((len(even), get_skeleton(self.skeleton).num_joints, 3), np.nan)
        for sample in self.samples(self.data_over(store), batch_size):
            world = apply_rigid(sample.T_world_target[:, -1], sample.pred_joints[:, -1].double())
            joints[sample.frame_ids[:, -1].cpu().numpy()] = world.cpu().numpy()
        pieces = [dict(start=float(even.time[rows.start]), stop=float(even.time[rows.stop - 1]),
                       world=int(even.world[rows.start])) for rows in even.pieces()]
        if len({piece['world'] for piece in pieces}) > 1:
            warnings.warn('the world of the track changes: places before and after cannot be compared, see '
                          "provenance['pieces']", stacklevel=2)
        motion = Motion(even.time, joints, self.skeleton, frame='world', person=person,
                        head_pose=even.T_world_camera, head_valid=even.valid, provenance=dict(
                            self.provenance, head_camera=self.head_camera, pieces=pieces, input=dict(
                                track.facts, device=track.device, head_offset=_told_offset(track),
                                **_told_hands(hands, even))))
        return [post_process(motion, smooth, constant_bones, floor)]

    def stream(self, *, preset: str | None = None, up: str | None = None, camera: str | None = None,
               direction: str | None = None, unit: str | None = None, device: str = 'eyes', head_offset=None,
               **options) -> LiveHeadPose:
        """The same predictions frame by frame, as poses of the headset come in.

        Args:
            preset, up, camera, direction, unit: what the poses are, as for a file; see :func:`.import_track`.
            device: whose camera it is, see :data:`.head_offsets.DEVICES`.
            head_offset: place of the eyes, see :func:`.head_offsets.head_offset`; default: that of the device.
            options: of :class:`.LiveHeadPose`: ``fps``, ``max_gap``, ``tolerance``, ``history``.
        """
        lay_out_for_single_windows(self.model)
        return LiveHeadPose(
            self.predict, self.dataset, frame_rate=FPS, reads_wrists=self.reads_wrists,
            camera_axes=self.camera_axes, skeleton=self.skeleton,
            convention=override(PoseConvention(), preset, up, camera, direction, unit),
            offset=(read_offset(device if head_offset is None else head_offset)
                    @ invert(device_offset(self.head_camera))),
            provenance=dict(self.provenance, head_camera=self.head_camera), **options)

    @property
    def reads_wrists(self) -> bool:
        """Whether the model reads the stream of the wrists."""
        return 'wrists' in (getattr(self.model, 'streams', None) or ())

    def _hands(self, wrists, given, track: HeadTrack, options: dict) -> HandTrack | None:
        """The hands beside a track; ``given`` is what it was read from."""
        if wrists is False or (wrists is None and not self.reads_wrists):
            return None
        if not self.reads_wrists:
            raise ValueError(NO_WRISTS)
        if wrists is None:
            try:
                return recorded_wrists(given, track)
            except (BadFile, ValueError) as error:
                raise type(error)(f'{error}; wrists=False predicts without them') from None
        of_array = PoseConvention()
        if not isinstance(given, (str, Path, HeadTrack)):
            if options.get('gravity') is not None and not isinstance(wrists, (str, Path, HandTrack)):
                raise ValueError('gravity turns the world of the poses, but not that of the wrists: give both in a '
                                 'world with an axis that points up')
            preset, up, camera, unit = (options.get(key) for key in ('preset', 'up', 'camera', 'unit'))
            of_array = override(of_array, preset, up, camera, None, unit)
        return read_wrists(wrists, track, of_array, **options)

    @staticmethod
    def _read(track, format: str, options: dict) -> HeadTrack:
        if isinstance(track, (str, Path)):
            return read_head_track(track, format, **options)
        if format not in ('auto', 'arrays'):
            raise ValueError(f'format={format!r} is that of a file, but the track is no file')
        if not isinstance(track, HeadTrack):
            require_options(read_array_track, options, 'an array')
            return read_array_track(track, **options)
        if options:
            raise TypeError(f'{sorted(options)} are options of readers; the track has been read already')
        return track


def _told_hands(hands: HandTrack | None, even: HeadTrack) -> dict:
    """What the provenance says of the wrists: where they came from and how often each was seen."""
    if hands is None:
        return {}
    seen = np.isfinite(hands.wrists_at(even.time)).all(-1).mean(0)
    return dict(wrists=dict(source=hands.facts.get('source', ''), left=float(seen[0]), right=float(seen[1])))


def _told_offset(track: HeadTrack) -> list | None:
    """Head offset ``(4,4)`` of a track if it is not the one that a device which nobody named has."""
    return None if np.array_equal(track.head_offset, np.eye(4)) else np.asarray(track.head_offset).tolist()


def _expected_camera(dataset: dict) -> tuple[str, str]:
    """Device and axes of the camera whose poses the data of a config holds."""
    store = dataset.get('store') or {}
    if store.get('type') == 'recordings':
        return store.get('head_camera', 'eyes'), store.get('camera_axes', 'opencv')
    if 'EgoExo4D' in str(dataset['type']):  # the sample is made of motion capture and has the same layout
        return 'eyes' if dataset.get('data_root') == 'sample' else 'aria_gen1', 'aria'
    return 'eyes', 'opencv'
