"""Losses on joint positions, in metres."""
import torch
from mmengine.dist import all_reduce, get_world_size, is_distributed
from torch import Tensor, nn

from ...registry import LOSSES
from ...structures import PoseDataSample, get_skeleton


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of ``values`` where ``mask`` is set, over the global batch of all processes.

    Distributed training averages the gradients of its processes; dividing by the mean count per process makes that
    the gradient of the global mean, however the visible joints are spread. The value is the global mean in every
    process, so logs agree with those of one process.
    """
    total, count = torch.where(mask, values, 0).sum(), mask.sum().to(values.dtype)
    if not is_distributed():
        return total / count.clamp(min=1e-6)
    both = torch.stack([total.detach(), count])
    all_reduce(both)
    mean = both[0] / both[1].clamp(min=1e-6)
    local = total * get_world_size() / both[1].clamp(min=1e-6)
    return local + (mean - local).detach()


class JointLoss(nn.Module):
    """Base of the losses on joints.

    Args:
        loss_weight: factor of the loss.
    """

    def __init__(self, loss_weight: float = 1.0):
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, estimate: dict, samples: PoseDataSample) -> Tensor:
        """``estimate['joints']`` and ``samples.joints (B,T,J,3)``, ``samples.visible (B,T,J)`` to a scalar."""
        return self.loss_weight * self.compute(estimate['joints'], samples.joints, samples.visible, samples)

    def compute(self, pred: Tensor, target: Tensor, visible: Tensor, samples: PoseDataSample) -> Tensor:
        raise NotImplementedError


@LOSSES.register_module()
class MPJPELoss(JointLoss):
    """Mean Euclidean distance of visible joints."""

    def compute(self, pred, target, visible, samples):
        return masked_mean((pred - target).norm(dim=-1), visible)


@LOSSES.register_module()
class L1Loss(JointLoss):
    """Mean absolute coordinate difference of visible joints: the loss of the official Ego-Exo4D baseline."""

    def compute(self, pred, target, visible, samples):
        return masked_mean((pred - target).abs().mean(-1), visible)


@LOSSES.register_module()
class VelocityLoss(JointLoss):
    """Mean distance of joint velocities in m/s between consecutive frames of the output.

    Needs every frame of the window: ``target_frames='all'`` in the data and ``output='all'`` in the head.

    Args:
        fps: frame numbers per second.
    """

    def __init__(self, loss_weight: float = 1.0, fps: float = 30.0):
        super().__init__(loss_weight)
        self.fps = fps

    def compute(self, pred, target, visible, samples):
        if pred.shape[1] < 2:
            raise ValueError("VelocityLoss needs several frames: set target_frames='all' in the dataset and "
                             "output='all' in the head")
        step = samples.frame_ids.diff(dim=1)  # (B, T-1), 0 between padded frames
        rate = self.fps / step.clamp(min=1).to(pred.dtype)
        error = (pred - target).diff(dim=1).norm(dim=-1) * rate[..., None]
        return masked_mean(error, visible[:, 1:] & visible[:, :-1] & (step > 0)[..., None])


@LOSSES.register_module()
class BoneLengthLoss(JointLoss):
    """Mean absolute difference of bone lengths.

    Args:
        skeleton: name of the skeleton whose edges are the bones.
    """

    def __init__(self, loss_weight: float = 1.0, skeleton: str = 'coco17'):
        super().__init__(loss_weight)
        self.edges = get_skeleton(skeleton).edges

    def compute(self, pred, target, visible, samples):
        a, b = map(list, zip(*self.edges))
        difference = (pred[..., a, :] - pred[..., b, :]).norm(dim=-1) - (target[..., a, :] - target[..., b, :]).norm(
            dim=-1)
        return masked_mean(difference.abs(), visible[..., a] & visible[..., b])
