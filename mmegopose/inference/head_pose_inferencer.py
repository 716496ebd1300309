"""Body pose from the track of a headset."""
import numpy as np
import torch
from scipy.spatial.transform import Rotation, Slerp

from ..datasets.readers.head_pose.egoexo4d_body import FPS
from ..engine.config import load_config
from ..geometry.rigid import apply_rigid
from ..registry import INFERENCERS
from .inputs import head_track_store
from .loading import dataset_over, load_model

ORTHONORMAL_TOLERANCE = 1e-3


def resample_track(T_world_camera: np.ndarray, fps: float, new_fps: float = FPS):
    """Head track at another rate: positions linearly, rotations by slerp.

    Returns:
        ``(time (M,) seconds, T_world_camera (M,4,4))``.
    """
    source = np.arange(len(T_world_camera)) / fps
    time = np.arange(int(np.floor(source[-1] * new_fps + 1e-6)) + 1) / new_fps
    track = np.tile(np.eye(4), (len(time), 1, 1))
    track[:, :3, 3] = np.stack([np.interp(time, source, T_world_camera[:, k, 3]) for k in range(3)], 1)
    if len(source) > 1:
        track[:, :3, :3] = Slerp(source, Rotation.from_matrix(T_world_camera[:, :3, :3]))(
            np.minimum(time, source[-1])).as_matrix()
    else:
        track[:, :3, :3] = T_world_camera[:, :3, :3]
    return time, track


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

    @torch.no_grad()
    def __call__(self, T_world_camera: np.ndarray, fps: float = FPS, camera_axes: str = 'aria',
                 batch_size: int = 256) -> dict:
        """Predict the pose at every frame, from that frame and earlier ones only.

        Args:
            T_world_camera: ``(N,4,4)`` camera to world, metres, z up.
            fps: frames per second of the track; other rates than 30 are resampled.
            camera_axes: ``'aria'`` (x down the body, y left, z forward) or ``'opencv'`` (x right, y down, z forward).
            batch_size: windows per forward pass.

        Returns:
            ``time (M,)`` seconds and ``joints (M,J,3)`` world coordinates in metres, at 30 frames per second.

        Raises:
            ValueError: the track has another shape, is not finite, or its rotations are not orthonormal.
        """
        track = np.asarray(T_world_camera, float)
        if track.ndim != 3 or track.shape[1:] != (4, 4) or not len(track) or not np.isfinite(track).all():
            raise ValueError(f'T_world_camera should be finite and of shape (N,4,4), got {track.shape}')
        rotation = track[:, :3, :3]
        error = np.abs(rotation @ rotation.transpose(0, 2, 1) - np.eye(3)).max()
        if error > ORTHONORMAL_TOLERANCE or (np.linalg.det(rotation) < 0).any():
            raise ValueError('the rotations of T_world_camera should be orthonormal with determinant 1, but are off by '
                             f'{error:.2g}')
        time, track = resample_track(track, fps)
        windows = dataset_over(head_track_store(track, FPS, camera_axes), self.dataset)
        joints = []
        for begin in range(0, len(windows), batch_size):
            batch = windows.__getitems__(range(begin, min(begin + batch_size, len(windows))))
            sample = self.model(**self.model.data_preprocessor(batch), mode='predict')[0]
            joints.append(apply_rigid(sample.T_world_target[:, -1], sample.pred_joints[:, -1].double()).cpu())
        return dict(time=time, joints=torch.cat(joints).numpy())
