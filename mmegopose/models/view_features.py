"""Features of pictures by a network that is not trained any more."""
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .layers import FrameEmbed


def image_encoder(model: nn.Module) -> FrameEmbed:
    """The embedding of pictures in a model; its ``encoder`` turns a picture into tokens.

    Raises ``ValueError`` if there is none.
    """
    found = next((part for part in model.modules() if isinstance(part, FrameEmbed)), None)
    if found is None:
        raise ValueError('the model has no FrameEmbed, whose encoder would make features of pictures: take a config '
                         'such as configs/ego_body/body_view.py')
    return found


def feature_dim(embed: FrameEmbed, grid: int) -> int:
    """Numbers of the features of a picture, see :func:`grid_features`."""
    return grid * grid * embed.in_dim


@torch.no_grad()
def grid_features(embed: FrameEmbed, images: Tensor, grid: int = 1) -> Tensor:
    """Means of the encoder's tokens over the cells of a grid.

    Args:
        embed: see :func:`image_encoder`, in evaluation mode.
        images: ``(n,3,H,W)``.
        grid: rows and columns of cells; 1: the mean of all tokens; more tell where in the picture something is.

    Returns:
        ``(n, grid * grid * C)``, rows of cells from the top.
    """
    tokens = embed.encoder({embed.stream: images[:, None]})[:, 0]  # (n, N, C)
    maps = tokens.transpose(1, 2).unflatten(2, embed.images.grid)  # (n, C, h, w)
    return F.adaptive_avg_pool2d(maps, grid).permute(0, 2, 3, 1).flatten(1)
