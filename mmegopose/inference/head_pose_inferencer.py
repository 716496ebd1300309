"""Body pose from the track of a headset."""
from typing import Any

import numpy as np
import torch

from ..datasets.readers.head_pose.egoexo4d_body import FPS
from ..engine.config import load_config
from ..geometry.rigid import apply_rigid
from ..geometry.trajectory import frame_times, interpolate_rows, interpolate_track, rigidity_error
from ..registry import INFERENCERS
from .inputs import head_track_store
from .loading import dataset_over, load_model
from .streaming import LiveHeadPose

ORTHONORMAL_TOLERANCE = 1e-3


def resample_track(T_world_camera: np.ndarray, fps: float, new_fps: float = FPS):
    """Head track at another rate: positions linearly, rotations by slerp.

    Returns:
        ``(time (M,) seconds, T_world_camera (M,4,4))``.
    """
    known, time = frame_times(len(T_world_camera), fps, new_fps)
    return time, interpolate_track(known, T_world_camera, time)


@INFERENCERS.register_module()
class HeadPoseInferencer:
    """Body pose from a head track, by a trained model and the data pipeline of its config.

    Args:
        config: config file.
        checkpoint: its checkpoint.
        device: where the model runs; default: a GPU if there is one.
    """

    def __init__(self, config: str, checkpoint: str, device: str | None = None):
        cfg = load_config(config)
        self.dataset = cfg.test_dataloader.dataset
        self.model = load_model(cfg, checkpoint, device)

    def stream(self, camera_axes: str = 'aria', **options) -> LiveHeadPose:
        """The same predictions frame by frame, as poses of the headset come in; options: see :class:`.LiveHeadPose`."""
        return LiveHeadPose(self.model, self.dataset, frame_rate=FPS, camera_axes=camera_axes, **options)

    @torch.no_grad()
    def __call__(self, T_world_camera: np.ndarray, fps: float = FPS, camera_axes: str = 'aria',
                 batch_size: int = 256, **fields: np.ndarray) -> dict:
        """Predict the pose at every frame, from that frame and earlier ones only.

        Args:
            T_world_camera: ``(N,4,4)`` camera to world, metres, z up.
            fps: frames per second of the track; other rates than 30 are resampled.
            camera_axes: ``'aria'`` (x down the body, y left, z forward) or ``'opencv'`` (x right, y down, z forward).
            batch_size: windows per forward pass.
            fields: more arrays ``(N, ...)``, one row a frame, that the transforms of the config read from the store,
                e.g. of another sensor; they are resampled with the track.

        Returns:
            ``time (M,)`` seconds and ``joints (M,J,3)`` world coordinates in metres, at 30 frames per second.

        Raises:
            ValueError: the track has another shape, is not finite, or its rotations are not orthonormal; or a field of
                another length.
        """
        track = np.asarray(T_world_camera, float)
        if track.ndim != 3 or track.shape[1:] != (4, 4) or not len(track) or not np.isfinite(track).all():
            raise ValueError(f'T_world_camera should be finite and of shape (N,4,4), got {track.shape}')
        error = rigidity_error(track).max()
        if error > ORTHONORMAL_TOLERANCE:
            raise ValueError('the rotations of T_world_camera should be orthonormal with determinant 1, but are '
                             + ('mirrored' if np.isinf(error) else f'off by {error:.2g}'))
        if wrong := {name: len(values) for name, values in fields.items() if len(values) != len(track)}:
            raise ValueError(f'fields should have a row for each of the {len(track)} frames, got {wrong}')
        known, time = frame_times(len(track), fps, FPS)
        track = interpolate_track(known, track, time)
        rows: dict[str, Any] = {name: interpolate_rows(known, values, time) for name, values in fields.items()}
        windows = dataset_over(head_track_store(track, FPS, camera_axes, **rows), self.dataset)
        joints = []
        for begin in range(0, len(windows), batch_size):
            batch = windows.__getitems__(range(begin, min(begin + batch_size, len(windows))))
            sample = self.model(**self.model.data_preprocessor(batch), mode='predict')[0]
            joints.append(apply_rigid(sample.T_world_target[:, -1], sample.pred_joints[:, -1].double()).cpu())
        return dict(time=time, joints=torch.cat(joints).numpy())
