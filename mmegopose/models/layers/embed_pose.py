"""Embedding of a 2D pose as one token per frame."""
import torch
from torch import Tensor, nn

from ...registry import EMBEDDINGS
from .embed import read_stream
from .masks import token_mask

MIN_SIZE = 1e-3  # of a person, screen units


@EMBEDDINGS.register_module()
class PoseEmbed(nn.Module):
    """One token per frame of 2D keypoints, in coordinates of the person's own box over the window.

    The box stands at the mean of the keypoints that are there, weighed by their confidence, and its size is their
    standard deviation, so that distance, focal length and place in the image do not matter; the token is told the place
    and the size of the box beside the pose in it. (MotionBERT, Zhu et al., ICCV 2023, normalises by such a box outside
    of the model.)

    Args:
        embed_dim: channels C.
        num_joints: J.
        stream: name of the input stream, ``(B,T,J,3)`` with the confidence last.
    """

    scope, pos_embed = 'frames', 'sincos'

    def __init__(self, embed_dim: int, num_joints: int = 17, stream: str = 'keypoints'):
        super().__init__()
        self.stream = stream
        self.fc1, self.act = nn.Linear(4 * num_joints + 3, 2 * embed_dim), nn.GELU()
        self.fc2 = nn.Linear(2 * embed_dim, embed_dim)

    def forward(self, inputs: dict) -> Tensor:
        """``inputs[stream] (B,T,J,3) -> (B,T,1,C)``."""
        keypoints = read_stream(inputs, self.stream, 3)
        points, confidence = keypoints[..., :2], keypoints[..., 2:]
        there = token_mask(inputs, keypoints.shape[2], (self.stream,))
        there = torch.ones_like(confidence) if there is None else there[..., None].to(confidence.dtype)
        weight = there * confidence.clamp(min=1e-3)
        total = weight.sum((1, 2), keepdim=True).clamp(min=1e-3)  # (B,1,1,1)
        center = (weight * points).sum((1, 2), keepdim=True) / total
        size = ((weight * (points - center).square()).sum((1, 2), keepdim=True) / total).sum(-1, True).sqrt()
        size = size.clamp(min=MIN_SIZE)
        pose = torch.cat([there * (points - center) / size, there * confidence, there], -1).flatten(2)  # (B,T,4J)
        box = torch.cat([center, size.log()], -1)[:, :, 0].expand(-1, pose.shape[1], -1)  # (B,T,3)
        return self.fc2(self.act(self.fc1(torch.cat([pose, box], -1)))).unsqueeze(2)  # (B,T,1,C)
