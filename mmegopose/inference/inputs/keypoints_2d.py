"""The 2D pose of a video as a store."""
import numpy as np

from ...datasets.store import SequenceStore
from ...geometry.cameras import screen_normalize
from ...structures import convert_confidence, convert_joints


def keypoint_store(keypoints: np.ndarray, image_size: tuple, skeleton: str, model_skeleton: str | None = None,
                   **fields: np.ndarray) -> SequenceStore:
    """Store of one sequence without 3D.

    Args:
        keypoints: ``(F,J,2)`` pixels, or ``(F,J,3)`` with confidence.
        image_size: width and height of the images, pixels.
        skeleton: skeleton of the keypoints.
        model_skeleton: skeleton to convert them to; None: as they are.
        fields: more arrays ``(F, ...)``, one row a frame, for transforms that read other streams.

    Raises:
        ValueError: keypoints of another shape, not finite, or not in pixels.
    """
    keypoints, target = np.asarray(keypoints, np.float32), model_skeleton or skeleton
    if keypoints.ndim != 3 or keypoints.shape[-1] not in (2, 3) or not len(keypoints):
        raise ValueError(f'keypoints should be (frames,joints,2) or (frames,joints,3), got {keypoints.shape}')
    if not np.isfinite(keypoints).all():
        raise ValueError(f'keypoints of frame {np.argwhere(~np.isfinite(keypoints))[0, 0]} are not finite; give '
                         'undetected joints their last position, with confidence 0')
    points, confidence = keypoints[..., :2], keypoints[..., 2:]
    if np.abs(points).max() <= 2:
        raise ValueError(f'keypoints reach {np.abs(points).max():.2f} at most, but should be pixels of an image of '
                         f'{image_size[0]} x {image_size[1]}')
    confidence = confidence[..., 0] if confidence.size else np.ones(points.shape[:2], np.float32)
    if skeleton != target:
        points = convert_joints(points, skeleton, target)
        confidence = convert_confidence(confidence, skeleton, target)
    points = screen_normalize(points, *image_size)
    keypoints = np.concatenate([points, confidence[..., None]], -1).astype(np.float32)
    return SequenceStore([0, len(keypoints)], dict(keypoints=keypoints, **fields), [dict(uid='clip', name='clip')],
                         info=dict(dataset_name='clip', skeleton=target))
