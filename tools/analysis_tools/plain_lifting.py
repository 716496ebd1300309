"""MixSTE and STCFormer, and how lifting is scored, as their papers' code computes them: the references of
``benchmark_lifting.py``.

Attention is a product, a softmax and a product; tensors are rearranged between the layouts that the official code
uses. The modules carry the keys of the official weights. Dropout and stochastic depth are left out: the benchmark
trains both sides without, so that their losses can be compared.
"""
import numpy as np
import torch
from torch import Tensor, nn

PARTS = (0, 1, 1, 1, 2, 2, 2, 0, 0, 0, 0, 3, 3, 3, 4, 4, 4)


class PlainMlp(nn.Module):
    """Two linear layers with a GELU between."""

    def __init__(self, dim: int, hidden_dim: int, bias: bool):
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden_dim, bias)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(hidden_dim, dim, bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(self.act(self.fc1(x)))


class PlainAttention(nn.Module):
    """Multi-head self-attention of vision transformers, ``(B,N,C) -> (B,N,C)``."""

    def __init__(self, dim: int, num_heads: int):
        super().__init__()
        self.num_heads, self.scale = num_heads, (dim // num_heads) ** -0.5
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        B, N, C = x.shape
        qkv = self.qkv(x).reshape(B, N, 3, self.num_heads, C // self.num_heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0], qkv[1], qkv[2]  # (B, h, N, C/h)
        weights = ((q @ k.transpose(-2, -1)) * self.scale).softmax(-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(B, N, C))


class PlainBlock(nn.Module):
    """Pre-norm transformer block, ``(B,N,C) -> (B,N,C)``."""

    def __init__(self, dim: int, num_heads: int, mlp_ratio: float):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim, 1e-6), nn.LayerNorm(dim, 1e-6)
        self.attn = PlainAttention(dim, num_heads)
        self.mlp = PlainMlp(dim, int(dim * mlp_ratio), bias=True)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PlainMixSTE(nn.Module):
    """MixSTE: keypoints ``(B,T,J,2)`` to joints ``(B,T,J,3)``."""

    def __init__(self, num_frames: int, dim: int = 512, depth: int = 8, num_heads: int = 8, mlp_ratio: float = 2.0,
                 num_joints: int = 17):
        super().__init__()
        self.Spatial_patch_to_embedding = nn.Linear(2, dim)
        self.Spatial_pos_embed = nn.Parameter(torch.zeros(1, num_joints, dim))
        self.Temporal_pos_embed = nn.Parameter(torch.zeros(1, num_frames, dim))
        self.STEblocks = nn.ModuleList(PlainBlock(dim, num_heads, mlp_ratio) for _ in range(depth))
        self.TTEblocks = nn.ModuleList(PlainBlock(dim, num_heads, mlp_ratio) for _ in range(depth))
        self.Spatial_norm, self.Temporal_norm = nn.LayerNorm(dim, 1e-6), nn.LayerNorm(dim, 1e-6)
        self.head = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, 3))

    def forward(self, x: Tensor) -> Tensor:
        B, T, J, _ = x.shape
        x = self.Spatial_patch_to_embedding(x.reshape(B * T, J, -1)) + self.Spatial_pos_embed
        for i, (joint_block, frame_block) in enumerate(zip(self.STEblocks, self.TTEblocks)):
            x = self.Spatial_norm(joint_block(x))
            x = x.reshape(B, T, J, -1).permute(0, 2, 1, 3).reshape(B * J, T, -1)
            if i == 0:
                x = x + self.Temporal_pos_embed
            x = self.Temporal_norm(frame_block(x))
            x = x.reshape(B, J, T, -1).permute(0, 2, 1, 3).reshape(B * T, J, -1)
        return self.head(x.reshape(B, T, J, -1))


class PlainCrissCross(nn.Module):
    """Attention over joints in one half of the channels, over frames in the other, ``(B,T,J,C) -> (B,T,J,C)``."""

    def __init__(self, dim: int, num_heads: int):
        super().__init__()
        half = dim // 2
        self.num_heads, self.scale = num_heads, half ** -0.5
        self.layer_norm = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.sep2_s = nn.Conv2d(half, half, 3, padding=1, groups=half)
        self.sep2_t = nn.Conv2d(half, half, 3, padding=1, groups=half)
        self.emb = nn.Embedding(5, half // num_heads)
        self.register_buffer('part', torch.tensor(PARTS), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        B, T, J, C = x.shape
        h, d = self.num_heads, C // 2 // self.num_heads
        qkv = self.qkv(self.layer_norm(x)).reshape(B, T, J, C, 3).permute(4, 0, 1, 2, 3)
        space, time = qkv.chunk(2, -1)  # (3, B, T, J, C/2)

        q, k = (s.reshape(B, T, J, h, d).permute(0, 3, 1, 2, 4).reshape(-1, J, d) for s in space[:2])  # (B*h*T, J, d)
        space_weights = (q @ k.transpose(-2, -1) * self.scale).softmax(-1)
        q, k = (t.reshape(B, T, J, h, d).permute(0, 3, 2, 1, 4).reshape(-1, T, d) for t in time[:2])  # (B*h*J, T, d)
        time_weights = (q @ k.transpose(-2, -1) * self.scale).softmax(-1)

        values_s, values_t = space[2].permute(0, 3, 1, 2), time[2].permute(0, 3, 1, 2)  # (B, C/2, T, J)
        near_s, near_t = self.sep2_s(values_s), self.sep2_t(values_t)
        values_s, near_s = (v.reshape(B, h, d, T, J).permute(0, 1, 3, 4, 2).reshape(-1, J, d)
                            for v in (values_s, near_s))  # (B*h*T, J, d)
        values_t, near_t = (v.reshape(B, h, d, T, J).permute(0, 1, 4, 3, 2).reshape(-1, T, d)
                            for v in (values_t, near_t))  # (B*h*J, T, d)

        part = self.emb(self.part)  # (J, d)
        space = space_weights @ values_s + near_s + 1e-4 * part
        time = time_weights @ values_t + near_t + 1e-9 * part.repeat(B * h, 1)[:, None]
        space = space.reshape(B, h, T, J, d).permute(0, 2, 3, 1, 4)  # (B, T, J, h, d)
        time = time.reshape(B, h, J, T, d).permute(0, 3, 2, 1, 4)
        return x + self.proj(torch.cat([space, time], -1).reshape(B, T, J, C))


class PlainSTCBlock(nn.Module):
    """Criss-cross attention and MLP, ``(B,T,J,C) -> (B,T,J,C)``."""

    def __init__(self, dim: int, num_heads: int):
        super().__init__()
        self.layer_norm = nn.LayerNorm(dim)
        self.stc_att = PlainCrissCross(dim, num_heads)
        self.mlp = PlainMlp(dim, 4 * dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stc_att(x)
        return x + self.mlp(self.layer_norm(x))


class PlainSTCFormer(nn.Module):
    """STCFormer: keypoints ``(B,T,17,2)`` to joints ``(B,T,17,3)``."""

    def __init__(self, dim: int = 256, depth: int = 6, num_heads: int = 8):
        super().__init__()
        self.pose_emb = nn.Linear(2, dim, bias=False)
        self.gelu = nn.GELU()
        self.stcformer = nn.Module()
        self.stcformer.stc_block = nn.ModuleList(PlainSTCBlock(dim, num_heads) for _ in range(depth))
        self.regress_head = nn.Linear(dim, 3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.gelu(self.pose_emb(x))
        for block in self.stcformer.stc_block:
            x = block(x)
        return self.regress_head(x)


def plain_scores(pred: Tensor, gt: Tensor) -> list:
    """MPJPE, PA-MPJPE, N-MPJPE and MPJVE of poses ``(n,J,3)`` in float32, each on its own, as evaluation loops do."""
    def distance(a, b):
        return torch.mean(torch.norm(a - b, dim=-1)).item()

    scale = torch.mean((gt * pred).sum(-1, keepdim=True), -2, keepdim=True) / torch.mean(
        pred.square().sum(-1, keepdim=True), -2, keepdim=True)
    p, g = pred.numpy(), gt.numpy()
    centred = [x - x.mean(1, keepdims=True) for x in (g, p)]
    sizes = [np.sqrt((x ** 2).sum((1, 2), keepdims=True)) for x in centred]
    U, S, Vt = np.linalg.svd(np.matmul((centred[0] / sizes[0]).transpose(0, 2, 1), centred[1] / sizes[1]))
    V = Vt.transpose(0, 2, 1)
    sign = np.sign(np.linalg.det(np.matmul(V, U.transpose(0, 2, 1))))[:, None]
    V[:, :, -1] *= sign
    S[:, -1] *= sign.ravel()
    turn = np.matmul(V, U.transpose(0, 2, 1))
    factor = S.sum(1)[:, None, None] * sizes[0] / sizes[1]
    shift = g.mean(1, keepdims=True) - factor * np.matmul(p.mean(1, keepdims=True), turn)
    return [distance(pred, gt), np.linalg.norm(factor * np.matmul(p, turn) + shift - g, axis=-1).mean(),
            distance(scale * pred, gt), np.linalg.norm(np.diff(p, axis=0) - np.diff(g, axis=0), axis=-1).mean()]
