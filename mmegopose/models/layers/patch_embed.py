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
        if images.shape[-2:] != self.img_size:
            raise ValueError(f'the images are {tuple(images.shape[-2:])} pixels high and wide, the model is built for '
                             f'img_size={self.img_size}; crop or resize them, or build it for their size')
        return self.proj(images).flatten(2).transpose(1, 2)  # (B, N, C)
