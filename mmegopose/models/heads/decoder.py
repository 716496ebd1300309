"""Heads whose queries read patch tokens through a transformer decoder."""
import math

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from ...body_models import SkinnedModel
from ...geometry.crops import camera_translation, project_to_crop
from ...geometry.rotations import rotation_from_6d
from ...registry import BODY_MODELS, HEADS
from ..layers import Attention, Mlp


class DecoderLayer(nn.Module):
    """Pre-norm self-attention, cross-attention and feed-forward (Vaswani et al., 2017, section 3.1).

    Args:
        dim, num_heads, head_dim, context_dim, qkv_bias: see ``layers.Attention``.
        mlp_dim: hidden channels of the feed-forward network.
        act: its activation.
        drop: dropout of attention weights, outputs and the feed-forward network.
    """

    def __init__(self, dim: int, num_heads: int, head_dim: int, context_dim: int, mlp_dim: int, act: str,
                 qkv_bias: bool = True, drop: float = 0.0):
        super().__init__()
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(dim) for _ in range(3))
        self.self_attn, self.cross_attn = (
            Attention(dim, num_heads, head_dim, context, qkv_bias, attn_drop=drop, proj_drop=drop)
            for context in (None, context_dim))
        self.mlp = Mlp(dim, mlp_dim, act, drop)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """``x (B,Q,C)`` and ``context (B,N,D)`` to ``(B,Q,C)``."""
        x = x + self.self_attn(self.norm1(x))
        x = x + self.cross_attn(self.norm2(x), context)
        return x + self.mlp(self.norm3(x))


@HEADS.register_module()
class MeshDecoderHead(BaseModule):
    """Parameters of a body model from one query (Goel et al., HMR2.0, ICCV 2023, arXiv 2305.20091; Pavlakos et al.,
    HaMeR, CVPR 2024, arXiv 2312.05251).

    The query reads the tokens of its frame, any number of them, and corrects a mean pose, shape and camera.

    Args:
        embed_dim: channels C of the tokens.
        body_model: name or file for :class:`SkinnedModel`, or the config of a body model; None: parameters only.
        num_joints, num_betas: rotations J, the root's included, and shape coefficients S, without a body model.
        decoder_dim, depth, num_heads, head_dim, mlp_dim, drop_rate: of the decoder.
        num_iters: corrections in a row.
        feedback: the query knows the parameters that it corrects.
        camera_scale: scale of the mean camera, about 2 over the side of the crop in metres: 0.9 for bodies, 4 to 6
            for hands.
    """

    def __init__(self, embed_dim: int = 1280, body_model: str | dict | None = None, num_joints: int = 16,
                 num_betas: int = 10, decoder_dim: int = 1024, depth: int = 6, num_heads: int = 8, head_dim: int = 64,
                 mlp_dim: int = 1024, drop_rate: float = 0.0, num_iters: int = 1, feedback: bool = False,
                 camera_scale: float = 0.9, init_cfg: dict | None = None):
        super().__init__(init_cfg)
        self.body_model = None
        if body_model is not None:
            build = BODY_MODELS.build if isinstance(body_model, dict) else SkinnedModel
            self.body_model = build(body_model)
            num_joints, num_betas = self.body_model.num_joints, self.body_model.num_betas
        self.sizes, self.num_iters = (6 * num_joints, num_betas, 3), num_iters
        self.register_buffer('mean', torch.tensor([[1., 0, 0, 0, 1, 0] * num_joints + [0.] * num_betas
                                                   + [camera_scale, 0, 0]]))  # (1, 6J+S+3)
        self.query = nn.Parameter(torch.randn(1, 1, decoder_dim))
        self.embed = nn.Linear(sum(self.sizes), decoder_dim) if feedback else None
        self.layers = nn.ModuleList(
            DecoderLayer(decoder_dim, num_heads, head_dim, embed_dim, mlp_dim, 'gelu', False, drop_rate)
            for _ in range(depth))
        self.readout = nn.Linear(decoder_dim, sum(self.sizes))
        nn.init.xavier_uniform_(self.readout.weight, gain=0.01)  # training starts near the mean
        nn.init.zeros_(self.readout.bias)

    def forward(self, tokens: Tensor) -> dict:
        """``(B,T,N,C)`` to parameters per frame, rotations relative to the parent joint.

        Returns:
            ``global_orient (B,T,1,3,3)``, ``body_pose (B,T,J-1,3,3)``, ``betas (B,T,S)``, ``camera (B,T,3)``: scale
            and shift of the crop's weak-perspective camera, and ``translation (B,T,3)``: of the body model in the
            camera, metres; with a body model also ``joints (B,T,J',3)`` and ``vertices (B,T,V,3)``, metres, before
            this translation, and ``keypoints (B,T,J',2)``: the joints in the image, crop units.
        """
        frames, context = tokens.shape[:2], tokens.flatten(0, 1)  # (B*T, N, C)
        params = self.mean.expand(context.shape[0], -1)  # (B*T, 6J+S+3)
        for _ in range(self.num_iters):
            x = self.query.expand(context.shape[0], -1, -1)  # (B*T, 1, D)
            if self.embed is not None:
                x = x + self.embed(params)[:, None]
            for layer in self.layers:
                x = layer(x, context)
            params = params + self.readout(x[:, 0])
        pose, betas, camera = params.split(self.sizes, -1)
        rotations = rotation_from_6d(pose.unflatten(-1, (-1, 6)))  # (B*T, J, 3, 3)
        output = dict(global_orient=rotations[:, :1], body_pose=rotations[:, 1:], betas=betas, camera=camera,
                      translation=camera_translation(camera))
        if self.body_model is not None:
            output |= self.body_model(output['global_orient'], output['body_pose'], betas)
            output['keypoints'] = project_to_crop(output['joints'], output['translation'].to(output['joints']))
        return {key: value.unflatten(0, frames) for key, value in output.items()}  # (B, T, ...)


@HEADS.register_module()
class JointQueryHead(BaseModule):
    """Joint coordinates from one learned query per joint (Chen et al., HP-ViT, arXiv 2406.12219).

    Args:
        embed_dim: channels C of the tokens.
        num_joints: joints J.
        decoder_dim: channels of the decoder, heads of 64 each; None: C.
        depth: layers of the decoder.
        mlp_ratio: hidden channels of its feed-forward networks per channel.
        drop_rate: its dropout.
        deviations: also say how large the error of each coordinate may be, for :class:`.ResidualLikelihoodLoss`.
        keypoints: also say where in the crop each joint is seen, for :class:`.KeypointLoss`: with the joints, which are
            metres, it tells how far a hand is from the camera. Beyond the paper.
    """

    def __init__(self, embed_dim: int = 1280, num_joints: int = 21, decoder_dim: int | None = None, depth: int = 12,
                 mlp_ratio: float = 4.0, drop_rate: float = 0.1, deviations: bool = False,
                 keypoints: bool = False, init_cfg: dict | None = None):
        super().__init__(init_cfg)
        dim = decoder_dim or embed_dim
        if dim % 64:
            raise ValueError(f'JointQueryHead(decoder_dim={dim}): decoder_dim should be a multiple of 64')
        self.proj = nn.Linear(embed_dim, dim)
        self.query = nn.Parameter(torch.randn(1, num_joints, dim))
        self.layers = nn.ModuleList(
            DecoderLayer(dim, dim // 64, 64, dim, int(dim * mlp_ratio), 'relu', True, drop_rate)
            for _ in range(depth))
        self.readout = nn.Linear(dim, 3)
        nn.init.normal_(self.readout.weight, std=0.001)  # training starts near the root
        self.deviation = nn.Linear(dim, 3) if deviations else None
        if deviations:  # training starts with errors of a few centimetres
            nn.init.constant_(self.deviation.bias, math.log(0.03))
        self.keypoint = nn.Linear(dim, 2) if keypoints else None

    def forward(self, tokens: Tensor) -> dict:
        """``(B,T,N,C) -> dict(joints=(B,T,J,3))``, metres, target frame; every frame on its own.

        With deviations also ``log_deviation (B,T,J,3)``, logarithms of metres; with keypoints ``keypoints (B,T,J,2)``,
        crop units.
        """
        context = self.proj(tokens.flatten(0, 1))  # (B*T, N, D)
        x = self.query.expand(context.shape[0], -1, -1)  # (B*T, J, D)
        for layer in self.layers:
            x = layer(x, context)
        output = dict(joints=self.readout(x))
        if self.deviation is not None:
            output['log_deviation'] = self.deviation(x)
        if self.keypoint is not None:
            output['keypoints'] = self.keypoint(x)
        return {key: value.unflatten(0, tokens.shape[:2]) for key, value in output.items()}  # (B, T, J, 3)
