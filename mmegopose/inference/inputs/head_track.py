"""The track of a headset as a store."""
import numpy as np

from ...datasets.store import SequenceStore


def head_track_store(T_world_camera: np.ndarray, fps: float, camera_axes: str, skeleton: str = 'coco17',
                     **fields: np.ndarray) -> SequenceStore:
    """Store of one sequence without labels.

    Args:
        T_world_camera: ``(N,4,4)`` camera to world, metres, z up.
        fps: frames per second.
        camera_axes: key of ``geometry.trajectory.HEAD_AXES``.
        skeleton: the model's.
        fields: more arrays ``(N, ...)``, one row a frame, for transforms that read other streams.
    """
    return SequenceStore([0, len(T_world_camera)], dict(head_pose=T_world_camera, **fields),
                         [dict(uid='track', name='track')],
                         info=dict(dataset_name='track', skeleton=skeleton, camera_axes=camera_axes, fps=fps))
