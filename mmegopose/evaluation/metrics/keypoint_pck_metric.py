"""Metric of 2D hand keypoints: HInt."""
from collections.abc import Sequence

import numpy as np
import torch
from mmengine.logging import print_log

from ...registry import METRICS
from ..functional.keypoint_errors import keypoint_pck, normalized_distances
from ..units import PERCENT
from .pose_wise_metric import PoseWiseMetric


@METRICS.register_module()
class KeypointPCKMetric(PoseWiseMetric):
    """Percentage of correct 2D keypoints: per joint, then the mean over joints (HInt; Pavlakos et al., CVPR 2024).

    Reads ``pred_keypoints, keypoints (B,J,2)`` in units of the square crop, whose side is 1, and ``keypoint_conf
    (B,J)``: keypoints with a confidence above 0.5 count (a mask will do). Results are ``PCK@0.05`` and so on in percent
    and, with a field ``keypoint_visible (B,J)``, ``visible/PCK@0.05`` and ``occluded/PCK@0.05`` of the labelled
    keypoints that are not occluded and that are.

    Args:
        thresholds: distances, in sides of the tight box.
        expand: side of the crop over the larger side of the tight box, ``crop.rescale`` of the data set.
        strict: see :func:`.keypoint_pck_per_joint`.
        prefix: prefix of the names of the results.
    """

    default_prefix = 'keypoints'
    greater = ('PCK',)

    def __init__(self, thresholds: Sequence[float] = (0.05, 0.1, 0.15), expand: float = 2.0, strict: bool = False,
                 prefix: str | None = None):
        super().__init__(dict(pred_keypoints='keypoints'), 'keypoint_conf', prefix)
        self.thresholds, self.expand, self.strict = tuple(thresholds), expand, strict

    def score(self, poses):
        # In pixels the crop's side would be a factor of the distances and of the tight box alike.
        distances = self.expand * normalized_distances(poses['pred_keypoints'], poses['keypoints'])
        columns = dict(distance=distances, all=poses['visible'])
        if 'keypoint_visible' in poses:
            occluded = ~poses['keypoint_visible'].bool()
            columns |= dict(visible=poses['visible'] & ~occluded, occluded=poses['visible'] & occluded)
        return columns

    def table_columns(self) -> dict[str, str]:
        return {f'PCK@{t:g} (%)': f'{self.prefix}/PCK@{t:g}' for t in self.thresholds}

    def compute_metrics(self, results: dict[str, np.ndarray]) -> dict[str, float]:
        distances = torch.from_numpy(results.pop('distance'))
        metrics, lines = {}, [f'{"PCK (%)":10}{"keypoints":>10}' + ''.join(f'{t:>8g}' for t in self.thresholds)]
        for subset, mask in results.items():
            if mask.any():
                ratios = keypoint_pck(distances, torch.from_numpy(mask), self.thresholds, self.strict)
                values = (ratios * PERCENT).tolist()
                prefix = '' if subset == 'all' else f'{subset}/'
                metrics |= {f'{prefix}PCK@{t:g}': value for t, value in zip(self.thresholds, values)}
                lines.append(f'{subset:10}{mask.sum():10}' + ''.join(f'{value:8.2f}' for value in values))
        print_log('\n'.join(lines), logger='current')
        return metrics
