"""Losses on joint positions, in metres."""
import torch
from mmengine.dist import all_reduce, get_world_size, is_distributed
from torch import Tensor, nn

from ...registry import LOSSES
from ...structures import PoseDataSample, all_skeletons, get_skeleton


def named_joint_weights() -> dict[str, tuple]:
    """Weights of the joints by scheme and skeleton, e.g. ``'mixste_h36m17'``; see ``Skeleton.joint_weights``."""
    return {f'{scheme}_{skeleton.name}': weights for skeleton in all_skeletons()
            for scheme, weights in skeleton.joint_weights.items()}


def global_mean(values: Tensor, mask: Tensor) -> Tensor:
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


def where_labelled(target: Tensor, mask: Tensor) -> Tensor:
    """A target where its mask, of its first dims, is set, else zero.

    What stands where there is no label may be anything, and zero times NaN is NaN, in gradients too.
    """
    return torch.where(mask.reshape(*mask.shape, *[1] * (target.ndim - mask.ndim)) > 0, target, 0)


class JointLoss(nn.Module):
    """Base of the losses on joints.

    Args:
        loss_weight: factor of the loss.
    """

    def __init__(self, loss_weight: float = 1.0):
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, outputs: dict, samples: PoseDataSample) -> Tensor:
        """``outputs['joints']`` and ``samples.joints (B,T,J,3)``, ``samples.visible (B,T,J)`` to a scalar."""
        if outputs['joints'].shape[2:] != samples.joints.shape[2:]:  # one joint would be compared with all
            raise ValueError(f'{type(self).__name__} compares joints {tuple(outputs["joints"].shape)} of the head with '
                             f'{tuple(samples.joints.shape)} of the data: num_joints of the head should be that of the '
                             'data')
        target = where_labelled(samples.joints, samples.visible)
        return self.loss_weight * self.compute(outputs['joints'], target, samples.visible, samples)

    def compute(self, pred: Tensor, target: Tensor, visible: Tensor, samples: PoseDataSample) -> Tensor:
        """Joints ``(B,T,J,3)``, of the target zero where not ``visible (B,T,J)``, to a scalar."""
        raise NotImplementedError


class WeightedJointLoss(JointLoss):
    """Base of the losses with a weight per joint; the mean is over joints, not divided by the sum of the weights.

    Args:
        joint_weights: a name of :func:`named_joint_weights` or J numbers; None: all 1.
    """

    def __init__(self, loss_weight: float = 1.0, joint_weights: str | tuple | None = None):
        super().__init__(loss_weight)
        if isinstance(joint_weights, str):
            known = named_joint_weights()
            if joint_weights not in known:
                raise ValueError(f'joint_weights={joint_weights!r} should be one of {list(known)}, a tuple, or None')
            joint_weights = known[joint_weights]
        weights = None if joint_weights is None else torch.tensor(joint_weights, dtype=torch.float32)
        self.register_buffer('joint_weights', weights, persistent=False)

    def weigh(self, values: Tensor) -> Tensor:
        """``(B,T,J)`` times the weights."""
        if self.joint_weights is None:
            return values
        if values.shape[-1] != len(self.joint_weights):
            raise ValueError(f'{type(self).__name__} has {len(self.joint_weights)} joint_weights, the poses have '
                             f'{values.shape[-1]} joints')
        return values * self.joint_weights


@LOSSES.register_module()
class MPJPELoss(WeightedJointLoss):
    """Mean Euclidean distance of visible joints."""

    def compute(self, pred, target, visible, samples):
        return global_mean(self.weigh((pred - target).norm(dim=-1)), visible)


@LOSSES.register_module()
class NMPJPELoss(JointLoss):
    """Mean distance of visible joints after scaling each predicted frame to fit best (Rhodin et al., CVPR 2018)."""

    def compute(self, pred, target, visible, samples):
        p, g = (points.masked_fill(~visible[..., None], 0) for points in (pred, target))
        scale = (p * g).sum((-2, -1)) / p.square().sum((-2, -1)).clamp(min=1e-12)  # (B, T)
        return global_mean((scale[..., None, None] * pred - target).norm(dim=-1), visible)


@LOSSES.register_module()
class L1Loss(JointLoss):
    """Mean absolute coordinate difference of visible joints: the loss of the official Ego-Exo4D baseline."""

    def compute(self, pred, target, visible, samples):
        return global_mean((pred - target).abs().mean(-1), visible)


@LOSSES.register_module()
class VelocityLoss(JointLoss):
    """Mean distance of joint velocities between consecutive frames of the output.

    Needs every frame of the window: ``target_frames='all'`` in the data and ``output='all'`` in the head.

    Args:
        fps: frame numbers per second, for velocities in m/s; None: metres per frame of the window, whatever the frame
            numbers (MixSTE, MotionBERT).
    """

    def __init__(self, loss_weight: float = 1.0, fps: float | None = 30.0):
        super().__init__(loss_weight)
        self.fps = fps

    def compute(self, pred, target, visible, samples):
        error, pairs = (pred - target).diff(dim=1).norm(dim=-1), _pairs(visible, self)
        if self.fps is None:
            return global_mean(error, pairs)
        step = samples.frame_ids.diff(dim=1)  # (B, T-1), 0 between padded frames
        rate = self.fps / step.clamp(min=1).to(pred.dtype)
        return global_mean(error * rate[..., None], pairs & (step > 0)[..., None])


@LOSSES.register_module()
class TemporalConsistencyLoss(WeightedJointLoss):
    """Mean squared change of the predicted coordinates between consecutive frames (MixSTE, section 3.4).

    It smooths the prediction and reads no target. Like :class:`VelocityLoss` it needs every frame of the window.
    """

    def compute(self, pred, target, visible, samples):
        return global_mean(self.weigh(pred.diff(dim=1).square().mean(-1)), _pairs(visible, self))


def _pairs(visible: Tensor, loss: JointLoss) -> Tensor:
    """Joints that are visible in a frame and the next: ``(B,T,J) -> (B,T-1,J)``."""
    if visible.shape[1] < 2:
        raise ValueError(f"{type(loss).__name__} needs several frames: set target_frames='all' in the dataset and "
                         "output='all' in the head")
    return visible[:, 1:] & visible[:, :-1]


@LOSSES.register_module()
class BoneLengthLoss(JointLoss):
    """Mean absolute difference of bone lengths.

    Args:
        skeleton: name of the skeleton whose edges are the bones.
    """

    def __init__(self, loss_weight: float = 1.0, skeleton: str = 'coco17'):
        super().__init__(loss_weight)
        self.skeleton = get_skeleton(skeleton)
        for name, joints in zip(('starts', 'ends'), zip(*self.skeleton.edges)):  # lists would travel in each call
            self.register_buffer(name, torch.tensor(joints), persistent=False)

    def compute(self, pred, target, visible, samples):
        if pred.shape[2] != self.skeleton.num_joints:
            raise ValueError(f'BoneLengthLoss(skeleton={self.skeleton.name!r}) takes {self.skeleton.num_joints} '
                             f'joints, got {pred.shape[2]}')
        a, b = self.starts, self.ends
        difference = (pred[..., a, :] - pred[..., b, :]).norm(dim=-1) - (target[..., a, :] - target[..., b, :]).norm(
            dim=-1)
        return global_mean(difference.abs(), visible[..., a] & visible[..., b])
