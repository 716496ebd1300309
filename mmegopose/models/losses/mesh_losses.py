"""Losses of mesh recovery: keypoints in the image, joints about the root, parameters of the body model."""
import torch
from torch import Tensor, nn

from ...geometry.heatmaps import crop_to_heatmap, encode_heatmaps
from ...registry import LOSSES
from ...structures import PoseDataSample
from .joint_losses import global_mean, where_labelled

HAS_LABEL = dict(global_orient='has_pose', body_pose='has_pose', betas='has_betas')
"""Field ``(B,T)`` that tells where a parameter of the body model is known."""


def of_shown_windows(samples: PoseDataSample, like: Tensor) -> Tensor:
    """Frames ``(B,T)`` of windows that show anything, shaped as ``like``: those with a frame that is ``scored``."""
    scored = samples.get('scored')
    return torch.ones_like(like) if scored is None else scored.any(1, keepdim=True).expand_as(like)


class MeshLoss(nn.Module):
    """Base of the losses of HMR2.0 (Goel et al., ICCV 2023) and HaMeR (Pavlakos et al., CVPR 2024).

    Args:
        loss_weight: factor of the loss.
        reduction: ``'sum'`` over everything in the batch, as in the official code, whose weights grow with the batch
            size; ``'mean'`` over the numbers with a label.
    """

    def __init__(self, loss_weight: float = 1.0, reduction: str = 'sum'):
        super().__init__()
        if reduction not in ('sum', 'mean'):
            raise ValueError(f"{type(self).__name__}(reduction={reduction!r}): reduction should be 'sum' or 'mean'")
        self.loss_weight, self.reduction = loss_weight, reduction

    def forward(self, outputs: dict, samples: PoseDataSample) -> Tensor:
        """Outputs and labels ``(B,T,...)`` to a scalar."""
        error, weight = self.compute(outputs, samples)
        while weight.ndim < error.ndim:
            weight = weight[..., None]
        weight = weight.to(error.dtype).expand_as(error)
        if self.reduction == 'mean':
            return self.loss_weight * global_mean(error * weight, weight > 0)
        return self.loss_weight * (error * weight).sum()

    def compute(self, outputs: dict, samples: PoseDataSample) -> tuple[Tensor, Tensor]:
        """Errors ``(B,T,...)`` and their weights, of the same or fewer dims; 0: no label."""
        raise NotImplementedError


@LOSSES.register_module()
class KeypointLoss(MeshLoss):
    """Absolute difference of keypoints ``(B,T,J,2)`` in crop units, times the confidence of the label."""

    def compute(self, outputs, samples):
        target = where_labelled(samples.keypoints, samples.keypoint_conf)
        return (outputs['keypoints'] - target).abs(), samples.keypoint_conf


@LOSSES.register_module()
class RootRelativeLoss(MeshLoss):
    """Absolute difference of joints ``(B,T,J,3)`` relative to a root joint; frames without a visible root do not count.

    Args:
        root: index of the root joint: 0, the wrist of hands and the pelvis of SMPL; 39 of HMR2's 44 joints.
    """

    def __init__(self, loss_weight: float = 1.0, reduction: str = 'sum', root: int = 0):
        super().__init__(loss_weight, reduction)
        self.root = slice(root, root + 1)

    def compute(self, outputs, samples):
        difference, weight = self.compare(outputs, samples)
        return difference.abs(), weight

    def compare(self, outputs: dict, samples: PoseDataSample) -> tuple[Tensor, Tensor]:
        """Difference ``(B,T,J,3)`` and its weight ``(B,T,J)``."""
        labels = where_labelled(samples.joints, samples.visible)
        pred, target = (joints - joints[:, :, self.root] for joints in (outputs['joints'], labels))
        return pred - target, samples.visible * samples.visible[:, :, self.root]


@LOSSES.register_module()
class RootRelativeVelocityLoss(RootRelativeLoss):
    """The same of the changes from frame to frame, metres per frame; zero for single images."""

    def compute(self, outputs, samples):
        difference, weight = self.compare(outputs, samples)
        return difference.diff(dim=1).abs(), weight[:, 1:] * weight[:, :-1]


@LOSSES.register_module()
class ParameterLoss(MeshLoss):
    """Squared difference of a parameter of the body model.

    Args:
        name: ``'global_orient'``, ``'body_pose'``: rotation matrices; ``'betas'``: shape coefficients.
        regularize: draw outputs without a label to zero, as HMR2.0 and HaMeR do for betas, but not those of windows
            whose pictures cannot be read.
    """

    def __init__(self, name: str, loss_weight: float = 1.0, reduction: str = 'sum', regularize: bool = False):
        super().__init__(loss_weight, reduction)
        if name not in HAS_LABEL:
            raise ValueError(f'ParameterLoss(name={name!r}): name should be one of {list(HAS_LABEL)}')
        self.name, self.regularize = name, regularize

    def compute(self, outputs, samples):
        known = samples.get(HAS_LABEL[self.name])
        target = where_labelled(samples.get(self.name), known)
        if self.regularize:
            known = of_shown_windows(samples, known)
        return (outputs[self.name] - target).square(), known


@LOSSES.register_module()
class HeatmapLoss(MeshLoss):
    """Squared difference of heatmaps ``(B,T,J,h,w)`` and Gaussians about the keypoints (ViTPose, section 3.1).

    Keypoints outside of the image do not count.

    Args:
        sigma: of the Gaussians, in pixels of the heatmap.
    """

    def __init__(self, loss_weight: float = 1.0, reduction: str = 'mean', sigma: float = 2.0):
        super().__init__(loss_weight, reduction)
        self.sigma = sigma

    def compute(self, outputs, samples):
        target, weight = self.target(outputs['heatmaps'], samples)
        return (outputs['heatmaps'] - target).square(), weight

    def target(self, heatmaps: Tensor, samples: PoseDataSample) -> tuple[Tensor, Tensor]:
        """Gaussians ``(B,T,J,h,w)`` of height 1 and their weights ``(B,T,J)``."""
        h, w = heatmaps.shape[-2:]
        points = crop_to_heatmap(samples.keypoints, (h, w))
        x, y = points.unbind(-1)
        inside = (x >= 0) & (x <= w - 1) & (y >= 0) & (y <= h - 1)  # (B, T, J)
        weight = samples.keypoint_conf * inside
        return encode_heatmaps(where_labelled(points, weight), (h, w), self.sigma), weight


@LOSSES.register_module()
class HeatmapCrossEntropyLoss(HeatmapLoss):
    """Cross-entropy of Gaussians and the logarithms of probabilities of ``HeatmapHead(softmax=True)``."""

    def compute(self, outputs, samples):
        target, weight = self.target(outputs['heatmaps'], samples)
        target = target / target.sum((-2, -1), keepdim=True)
        return -(target * outputs['heatmaps']).sum((-2, -1)), weight
