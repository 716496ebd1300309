"""Embedding of image patches."""
from torch import Tensor, nn


class PatchEmbed(nn.Module):
    """Patches of an image to tokens, with the overlap and padding of ViTPose (Xu et al., arXiv 2204.12484).

    Every patch is shifted by the padding, 2 pixels for ``ratio=1``, also where patches do not overlap.

    Args:
        img_size: height and width H, W in pixels.
        patch_size: side of a patch in pixels.
        embed_dim: channels C.
        in_channels: channels of the image.
        ratio: tokens per patch side; above 1 the patches overlap.
    """

    def __init__(self, img_size: tuple = (256, 192), patch_size: int = 16, embed_dim: int = 768, in_channels: int = 3,
                 ratio: int = 1):
        super().__init__()
        if any(side % patch_size for side in img_size):
            raise ValueError(f'img_size={tuple(img_size)} should be multiples of patch_size={patch_size}')
        self.img_size = tuple(img_size)
        self.grid = tuple(side // patch_size * ratio for side in img_size)
        self.proj = nn.Conv2d(in_channels, embed_dim, patch_size, patch_size // ratio, 4 + 2 * (ratio // 2 - 1))

    def forward(self, images: Tensor) -> Tensor:
        """``(B,3,H,W) -> (B,N,C)``, rows of patches from the top, N = ``grid[0] * grid[1]``."""
        _check_size(images, self.img_size)
        return self.proj(images).flatten(2).transpose(1, 2)  # (B, N, C)


class ConvStem(nn.Module):
    """Convolutions of stride 2 to tokens of 16 x 16 pixels, from which small transformers learn with little data
    (Xiao et al., Early Convolutions Help Transformers See Better, NeurIPS 2021).

    Group norm, unlike batch norm, does not mix the statistics of photographs and drawn poses.

    Args:
        img_size: height and width H, W in pixels, multiples of 16.
        embed_dim: channels C, a multiple of 32.
        in_channels: channels of the image.
    """

    def __init__(self, img_size: tuple, embed_dim: int, in_channels: int = 3):
        super().__init__()
        if any(side % 16 for side in img_size) or embed_dim % 32:
            raise ValueError(f'ConvStem needs sides that are multiples of 16, and channels of 32; got img_size='
                             f'{tuple(img_size)} and embed_dim={embed_dim}')
        self.img_size, self.grid = tuple(img_size), tuple(side // 16 for side in img_size)
        dims = (embed_dim // 4, embed_dim // 2, embed_dim, embed_dim)
        self.proj = nn.Conv2d(in_channels, dims[0], 3, 2, 1)
        self.layers = nn.Sequential(*(layer for a, b in zip(dims, dims[1:]) for layer in (
            nn.GroupNorm(8, a), nn.GELU(), nn.Conv2d(a, b, 3, 2, 1))))

    def forward(self, images: Tensor) -> Tensor:
        """``(B,3,H,W) -> (B,N,C)``, like :class:`PatchEmbed`."""
        _check_size(images, self.img_size)
        return self.layers(self.proj(images)).flatten(2).transpose(1, 2)  # (B, N, C)


def _check_size(images: Tensor, img_size: tuple) -> None:
    if images.shape[-2:] != img_size:
        raise ValueError(f'the images are {tuple(images.shape[-2:])} pixels high and wide, the model is built for '
                         f'img_size={img_size}; crop or resize them, or build it for their size')
