"""The 2D pose that goes into a network beside an image, in the three forms that it can take it."""
import torch
from torch import Tensor

from ...geometry.crops import normalize_image
from ...registry import TRANSFORMS
from ...rendering.skeleton_images import MIN_CONFIDENCE, draw_heatmaps, draw_skeletons
from ...structures import get_skeleton
from ..readers.images.detections import read_detections
from ..store import SequenceStore
from .mesh_targets import cut_keypoints, swap_of

POSE_STREAMS = dict(image='pose_image', heatmap='pose_heatmap', array='pose_array')
"""Stream of each form."""


@TRANSFORMS.register_module()
class CropPose:
    """The 2D pose of each frame in its crop: ``pose_2d (B,T,J,2)`` in crop units, ``pose_2d_conf (B,T,J)``.

    Args:
        detections: file of 2D poses from a detector, see :func:`.read_detections`; None: those of the labels.
    """

    def __init__(self, detections: str | None = None):
        self.detections = detections

    def bind(self, store: SequenceStore) -> None:
        """Read the detections and match them to the rows of the store."""
        self.keypoints = store.frames['keypoints'] if self.detections is None else \
            read_detections(self.detections, store)

    def __call__(self, batch: dict) -> dict:
        keypoints = self.keypoints[batch['rows']]
        points, confidence = cut_keypoints(keypoints, batch['crop_transform'], batch['crop_side'])
        swap, mirrored = swap_of(batch['skeleton']), batch['crop_mirrored'][..., None]
        if swap is not None:
            points = torch.where(mirrored[..., None], points[:, :, swap], points)
            confidence = torch.where(mirrored, confidence[:, :, swap], confidence)
        return batch | dict(pose_2d=points, pose_2d_conf=confidence)


@TRANSFORMS.register_module()
class DrawPose:
    """The stream of the 2D pose, and ``pose_detected (B,T)``: some joint is confident enough to be drawn.

    ``form='image'``: ``pose_image (B,T,3,H,W)``, a drawn skeleton like the image; ``'heatmap'``: ``pose_heatmap
    (B,T,J,h,w)`` of the columns that the network sees; ``'array'``: ``pose_array (B,T,J,3)``, see :func:`pose_array`.

    Args:
        form: one of these.
        heatmap_size: side of the heatmaps of the square crop.

    Raises:
        ValueError: another form.
    """

    def __init__(self, form: str = 'image', heatmap_size: int = 64):
        if form not in POSE_STREAMS:
            raise ValueError(f'pose_form={form!r} should be one of {list(POSE_STREAMS)} or None')
        self.form, self.heatmap_size = form, heatmap_size

    def bind(self, store: SequenceStore) -> None:
        self.style = get_skeleton(store.info['skeleton']).style

    def __call__(self, batch: dict) -> dict:
        points, confidence = batch['pose_2d'], batch['pose_2d_conf']
        draw = getattr(self, f'_{self.form}')
        stream = draw(points.flatten(0, 1), confidence.flatten(0, 1), batch).unflatten(0, confidence.shape[:2])
        batch.setdefault('inputs', {}).update({
            POSE_STREAMS[self.form]: stream, 'pose_detected': (confidence >= MIN_CONFIDENCE).any(-1)})
        return batch

    def _image(self, points: Tensor, confidence: Tensor, batch: dict) -> Tensor:
        side = batch['crop_side']
        images = draw_skeletons(((points + 0.5) * side).numpy(), confidence.numpy(), self.style, side)
        return torch.from_numpy(normalize_image(images[:, :, batch['crop_columns']]))

    def _heatmap(self, points: Tensor, confidence: Tensor, batch: dict) -> Tensor:
        side, columns, scale = batch['crop_side'], batch['crop_columns'], self.heatmap_size / batch['crop_side']
        maps = draw_heatmaps((points + 0.5) * side, confidence, (self.heatmap_size, self.heatmap_size), side)
        return maps[..., round(columns.start * scale):round(columns.stop * scale)].contiguous()

    def _array(self, points: Tensor, confidence: Tensor, batch: dict) -> Tensor:
        return pose_array(points, confidence)


def pose_array(points: Tensor, confidence: Tensor, min_confidence: float = MIN_CONFIDENCE) -> Tensor:
    """Places and confidence, ``(B,J,2)`` crop units and ``(B,J)`` to ``(B,J,3)`` float32.

    x and y are in [-0.5, 0.5] inside of the crop. Missing joints are three zeros, so the last number tells them apart
    from a joint at the centre.
    """
    seen = (confidence >= min_confidence) & points.isfinite().all(-1)
    array = torch.cat([points, confidence[..., None]], -1).float()
    return torch.where(seen[..., None], array, 0)
