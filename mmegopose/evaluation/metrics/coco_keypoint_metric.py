"""Metric of 2D keypoints as COCO scores them."""
import json
from collections.abc import Sequence

import numpy as np
import torch
from mmengine.logging import print_log

from ...files import atomic_write
from ...geometry.crops import CROP_SIZE
from ...registry import METRICS
from ...structures import get_skeleton
from ..benchmarks.coco_keypoints_benchmark import coco_annotations, coco_results, score_coco_keypoints
from ..functional.keypoint_errors import crop_to_image, keypoint_similarity
from .pose_wise_metric import PoseWiseMetric


@METRICS.register_module()
class CocoKeypointMetric(PoseWiseMetric):
    """Average precision and recall of 2D keypoints in the image (Lin et al., COCO, ECCV 2014), by the official code.

    Reads ``pred_keypoints, keypoints (B,T,J,2)`` in units of the square crop, ``keypoint_conf (B,T,J)``, above 0.5:
    labelled, and where there are ``pred_scores (B,T,J)``, ``right (B,T)``. Boxes ``box_center (B,T,2)``, ``box_size
    (B,T)`` bring them into pixels of the image; without them the crop is the image, 256 pixels high. ``image_id (B,T)``
    tells which instances are in one picture; without it each has its own. ``area (B,T)`` in pixels squared decides what
    is near; without it, the tight box around the labelled keypoints.

    Names of the results: ``AP``, ``AP50``, ``AP75``, ``AP_medium``, ``AP_large`` and the same with ``AR``, in [0,1] as
    the official code prints them; ``OKS``: mean similarity of each pose with its own truth.

    Args:
        ann_file: annotation file of COCO with the truth, whose image numbers are those of ``image_id``: then instances
            without a crop, and crowds, count as in the official numbers. Without it the truth is what the samples have.
        sigmas: J constants of the similarity; those of the skeleton of the data set without it.
        min_score: keypoints with a score above it count in the score of a pose, their mean; 0.2 in the official code
            of HRNet and ViTPose.
        out_file: also write the predictions here, a result file of COCO.
        prefix: prefix of the names of the results.

    Raises:
        ValueError: the constants are not known, or ``image_id`` does not go with ``ann_file``.
        KeyError: ``ann_file`` needs ``image_id``.
    """

    default_prefix = 'coco'
    greater = ('AP', 'AR', 'OKS')

    def __init__(self, ann_file: str | None = None, sigmas: Sequence[float] | None = None, min_score: float = 0.2,
                 out_file: str | None = None, prefix: str | None = None):
        super().__init__(dict(pred_keypoints='keypoints'), 'keypoint_conf', prefix)
        self.ann_file, self.sigmas, self.min_score, self.out_file = ann_file, sigmas, min_score, out_file

    def score(self, poses):
        if self.ann_file is not None and 'image_id' not in poses:
            raise KeyError(f'CocoKeypointMetric(ann_file={self.ann_file!r}) needs the field image_id, the number of '
                           'the image in that file')
        visible = poses['visible']
        count, like = len(visible), poses['pred_keypoints']
        side = poses.get('box_size', like.new_full((count,), CROP_SIZE))
        center = poses.get('box_center', like.new_full((count, 2), CROP_SIZE / 2))
        pred, truth = (crop_to_image(poses[name], side, center, poses.get('right'))
                       for name in ('pred_keypoints', 'keypoints'))
        columns = dict(pred=pred, confidence=poses.get('pred_scores', torch.ones_like(like[..., 0])),
                       truth=torch.cat([truth, visible[..., None].to(truth)], -1))
        return columns | {name: poses[name] for name in ('image_id', 'area') if name in poses}

    def compute_metrics(self, results: dict[str, np.ndarray]) -> dict[str, float]:
        pred, truth, confidence = results['pred'], results['truth'], results['confidence']
        image = results.get('image_id', np.arange(len(pred)))
        counted = confidence > self.min_score
        score = (confidence * counted).sum(1) / counted.sum(1).clip(min=1)   # (n,)
        predictions = coco_results(image, pred, confidence, score)
        if self.out_file is not None:
            with atomic_write(self.out_file) as file:
                json.dump(predictions, file)
        annotations, sigmas = coco_annotations(image, truth, results.get('area')), self._sigmas(pred.shape[1])
        metrics = score_coco_keypoints(annotations if self.ann_file is None else self.ann_file, predictions, sigmas)
        own = torch.tensor([annotation['area'] for annotation in annotations['annotations']], dtype=torch.float64)
        pred, truth = torch.from_numpy(pred), torch.from_numpy(truth)
        metrics['OKS'] = float(keypoint_similarity(pred, truth[..., :2], truth[..., 2] > 0, own, sigmas).mean())
        lines = [f'{name:12}{value:8.4f}' for name, value in metrics.items()]
        print_log('\n'.join([f'2D keypoints of {len(pred)} poses (COCO)', *lines]), logger='current')
        return metrics

    def table_columns(self) -> dict[str, str]:
        return {name: f'{self.prefix}/{name}' for name in ('AP', 'AP50', 'AP75', 'AR')}

    def _sigmas(self, num_joints: int) -> tuple:
        sigmas = self.sigmas
        if sigmas is None:
            sigmas = get_skeleton(self.dataset_meta['skeleton']).oks_sigmas
        if len(sigmas) != num_joints:
            raise ValueError(f'the similarity needs a constant for each of {num_joints} keypoints, got {len(sigmas)}: '
                             'give CocoKeypointMetric(sigmas=...), or oks_sigmas to the skeleton of the data set')
        return tuple(sigmas)
