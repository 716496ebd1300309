"""Adversarial prior on pose and shape."""
import torch
from torch import Tensor, nn
from torch.func import functional_call

from ...files import BadFile
from ...geometry.rotations import so3_exp
from ...npz import array_names, read_arrays
from ...registry import LOSSES
from ...structures import PoseDataSample
from .joint_losses import global_mean, where_labelled
from .mesh_losses import of_shown_windows


class PoseDiscriminator(nn.Module):
    """Scores of each joint's rotation, of the shape, and of the whole pose (Kanazawa et al., HMR, CVPR 2018).

    Args:
        num_joints: rotations J without the root's.
        num_betas: shape coefficients S.
    """

    def __init__(self, num_joints: int, num_betas: int = 10):
        super().__init__()
        self.joint = nn.Sequential(nn.Linear(9, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU())
        self.score = nn.Parameter(nn.init.xavier_uniform_(torch.empty(num_joints, 32)))  # a linear layer per joint
        self.bias = nn.Parameter(torch.zeros(num_joints))
        self.shape = nn.Sequential(nn.Linear(num_betas, 10), nn.ReLU(), nn.Linear(10, 5), nn.ReLU(), nn.Linear(5, 1))
        self.pose = nn.Sequential(nn.Linear(32 * num_joints, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(),
                                  nn.Linear(1024, 1))
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def forward(self, body_pose: Tensor, betas: Tensor) -> Tensor:
        """``body_pose (B,J,3,3)`` and ``betas (B,S)`` to scores ``(B,J+2)``, near 1 for real bodies, 0 for others."""
        joints = self.joint(body_pose.flatten(2))  # (B, J, 32)
        each = (joints * self.score).sum(-1) + self.bias  # (B, J)
        return torch.cat([each, self.shape(betas), self.pose(joints.mT.flatten(1))], 1)  # (B, J+2)


@LOSSES.register_module()
class AdversarialLoss(nn.Module):
    """Least-squares adversarial loss (Mao et al., ICCV 2017) of HMR2.0 and HaMeR, with its discriminator.

    ``generator`` moves the outputs only, ``discriminator`` the discriminator only. Both come from one forward pass,
    so that one optimiser that treats weights separately, such as AdamW, does what two alternating ones would.

    Args:
        num_joints, num_betas: see :class:`PoseDiscriminator`.
        loss_weight: factor of both parts.
        poses: npz of real bodies: ``body_pose`` or ``hand_pose (N,3J+3)`` rotation vectors, the root's first, and
            ``betas (N,S)``; None: the labelled bodies of the batch.

    Raises:
        FileNotFoundError, BadFile: ``poses`` is missing or lacks an array.
    """

    def __init__(self, num_joints: int, num_betas: int = 10, loss_weight: float = 5e-4, poses: str | None = None):
        super().__init__()
        self.loss_weight = loss_weight
        self.discriminator = PoseDiscriminator(num_joints, num_betas)
        pose, betas = (None, None) if poses is None else _read_poses(poses, num_joints, num_betas)
        self.register_buffer('real_pose', pose, persistent=False)
        self.register_buffer('real_betas', betas, persistent=False)

    def forward(self, outputs: dict, samples: PoseDataSample) -> dict[str, Tensor]:
        """``outputs['body_pose'] (B,T,J,3,3)`` and ``outputs['betas'] (B,T,S)`` to two scalars."""
        fake = [outputs[name].flatten(0, 1) for name in ('body_pose', 'betas')]  # (B*T, J, 3, 3), (B*T, S)
        frozen = {name: weight.detach() for name, weight in self.discriminator.named_parameters()}
        fooled = functional_call(self.discriminator, frozen, tuple(fake))  # (B*T, J+2)
        real, known = self._real(samples)
        shown = of_shown_windows(samples, samples.has_pose).flatten()
        scores = self.discriminator(*(torch.cat([r, f.detach().to(r)]) for r, f in zip(real, fake)))
        real_scores, fake_scores = scores.split([len(known), len(fooled)])
        return dict(
            generator=self.loss_weight * _score_loss(fooled - 1, shown),
            discriminator=self.loss_weight * (_score_loss(real_scores - 1, known) + _score_loss(fake_scores, shown)))

    def _real(self, samples: PoseDataSample) -> tuple[list, Tensor]:
        """Real rotations and shapes, as many as there are frames, and which of them count ``(B*T,)``."""
        known = (samples.has_pose & samples.has_betas).flatten()
        if self.real_pose is None:
            return [where_labelled(label.flatten(0, 1), known) for label in (samples.body_pose, samples.betas)], known
        rows = torch.randint(len(self.real_pose), known.shape).to(known.device)
        return [so3_exp(self.real_pose[rows]), self.real_betas[rows]], torch.ones_like(known)


def _score_loss(difference: Tensor, mask: Tensor) -> Tensor:
    """Squares of ``(F,J+2)``, summed over the scores of a body, mean over the bodies that count, ``mask (F,)``."""
    return global_mean(difference.square().sum(-1), mask)


def _read_poses(path: str, num_joints: int, num_betas: int) -> tuple[Tensor, Tensor]:
    """Rotation vectors ``(N,J,3)`` and betas ``(N,S)`` of a file."""
    data = read_arrays(path, ('body_pose', 'hand_pose', 'betas'))
    name = next((name for name in ('body_pose', 'hand_pose') if name in data), None)
    if name is None or 'betas' not in data:
        raise BadFile(f'{path} should hold body_pose or hand_pose, and betas; it holds {sorted(array_names(path))}')
    pose, betas = torch.from_numpy(data[name]).float(), torch.from_numpy(data['betas']).float()
    if pose.shape[1:] != (3 * num_joints + 3,) or betas.shape != (len(pose), num_betas):
        raise BadFile(f'{path}: {name} has shape {tuple(pose.shape)} and betas {tuple(betas.shape)}, should be '
                      f'(N, {3 * num_joints + 3}) and (N, {num_betas})')
    return pose.unflatten(1, (-1, 3))[:, 1:], betas  # (N, J, 3), (N, S)
