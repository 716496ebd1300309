"""Embeddings of images: a grid of tokens per frame."""
from torch import Tensor, nn

from ...registry import EMBEDDINGS
from .embed import read_stream


class ImageEmbed(nn.Module):
    """Base of the embeddings of images; a subclass has ``features``.

    Args:
        img_size: height and width H, W in pixels.
        grid: rows and columns of tokens.
        stream: name of the input stream.
    """

    scope, pos_embed = 'tokens', 'learned'

    def __init__(self, img_size: tuple, grid: tuple, stream: str):
        super().__init__()
        self.img_size, self.grid, self.stream = tuple(img_size), grid, stream

    @property
    def num_tokens(self) -> int:
        """Tokens per frame N."""
        return self.grid[0] * self.grid[1]

    def forward(self, inputs: dict, stream: str | None = None) -> Tensor:
        """``inputs[stream] (B,T,3,H,W) -> (B,T,N,C)``, rows of patches from the top; ``stream``: another one."""
        images = self.read(inputs, stream or self.stream)
        tokens = self.features(images.flatten(0, 1)).flatten(2).transpose(1, 2)  # (B*T, N, C)
        return tokens.unflatten(0, images.shape[:2])  # (B, T, N, C)

    def features(self, images: Tensor) -> Tensor:
        """``(B*T,3,H,W) -> (B*T,C,*grid)``."""
        raise NotImplementedError

    def read(self, inputs: dict, stream: str) -> Tensor:
        """Images ``(B,T,3,H,W)``; raises ``KeyError`` if they are not there, ``ValueError`` for another shape."""
        images = read_stream(inputs, stream)
        if images.ndim != 5:
            raise ValueError(f'stream {stream!r} has shape {tuple(images.shape)}, should be (B,T,3,H,W)')
        if images.shape[-2:] != self.img_size:
            raise ValueError(f'the images are {tuple(images.shape[-2:])} pixels high and wide, the model is built for '
                             f'img_size={self.img_size}; crop or resize them, or build it for their size')
        return images


@EMBEDDINGS.register_module()
class PatchEmbed(ImageEmbed):
    """Patches of an image to tokens, with the overlap and padding of ViTPose (Xu et al., arXiv 2204.12484).

    Every patch is shifted by the padding, 2 pixels for ``ratio=1``, also where patches do not overlap.

    Args:
        embed_dim: channels C.
        img_size: height and width H, W in pixels; 256 x 256 crops of people or hands enter without their outer 32
            columns on each side.
        patch_size: side of a patch in pixels.
        in_chans: channels of the image.
        ratio: tokens per patch side; above 1 the patches overlap.
        stream: name of the input stream.
    """

    def __init__(self, embed_dim: int = 768, img_size: tuple = (256, 192), patch_size: int = 16, in_chans: int = 3,
                 ratio: int = 1, stream: str = 'image'):
        if any(side % patch_size for side in img_size):
            raise ValueError(f'img_size={tuple(img_size)} should be multiples of patch_size={patch_size}')
        super().__init__(img_size, tuple(side // patch_size * ratio for side in img_size), stream)
        self.proj = nn.Conv2d(in_chans, embed_dim, patch_size, patch_size // ratio, 4 + 2 * (ratio // 2 - 1))

    def features(self, images: Tensor) -> Tensor:
        return self.proj(images)


@EMBEDDINGS.register_module()
class ConvStem(ImageEmbed):
    """Convolutions of stride 2 to tokens of 16 x 16 pixels, from which small transformers learn with little data
    (Xiao et al., Early Convolutions Help Transformers See Better, NeurIPS 2021).

    Group norm, unlike batch norm, does not mix the statistics of photographs and drawn poses.

    Args:
        embed_dim: channels C, a multiple of 32.
        img_size: height and width H, W in pixels, multiples of 16.
        in_chans: channels of the image.
        stream: name of the input stream.
    """

    def __init__(self, embed_dim: int, img_size: tuple = (256, 192), in_chans: int = 3, stream: str = 'image'):
        if any(side % 16 for side in img_size) or embed_dim % 32:
            raise ValueError(f'ConvStem needs sides that are multiples of 16, and channels of 32; got img_size='
                             f'{tuple(img_size)} and embed_dim={embed_dim}')
        super().__init__(img_size, tuple(side // 16 for side in img_size), stream)
        dims = (embed_dim // 4, embed_dim // 2, embed_dim, embed_dim)
        self.proj = nn.Conv2d(in_chans, dims[0], 3, 2, 1)
        self.layers = nn.Sequential(*(layer for a, b in zip(dims, dims[1:]) for layer in (
            nn.GroupNorm(8, a), nn.GELU(), nn.Conv2d(a, b, 3, 2, 1))))

    def features(self, images: Tensor) -> Tensor:
        return self.layers(self.proj(images))
