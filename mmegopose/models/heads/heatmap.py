"""2D keypoints through heatmaps."""
from mmengine.model import BaseModule
from torch import Tensor, nn

from ...geometry.heatmaps import decode_heatmaps, heatmap_to_crop, mean_of_heatmaps
from ...registry import HEADS


@HEADS.register_module()
class HeatmapHead(BaseModule):
    """One heatmap per joint from patch tokens (Xu et al., ViTPose, NeurIPS 2022, arXiv 2204.12484, section 3.1).

    Heatmaps are four times finer than the patches: 64 x 48 for a 256 x 192 image.

    Args:
        embed_dim: channels C of the tokens.
        num_joints: joints J.
        img_size, patch_size: of the backbone.
        decoder: ``'classic'``: two transposed convolutions and a linear layer; ``'simple'``: ReLU, bilinear
            upsampling and one 3 x 3 convolution.
        deconv_dim: channels of the transposed convolutions.
        softmax: heatmaps are logarithms of probabilities, and keypoints their means (Sun et al., Integral Human Pose
            Regression, ECCV 2018). Small networks learn these from scratch where Gaussians stay flat.
    """

    def __init__(self, embed_dim: int = 768, num_joints: int = 17, img_size: tuple = (256, 192), patch_size: int = 16,
                 decoder: str = 'classic', deconv_dim: int = 256, softmax: bool = False, init_cfg: dict | None = None):
        super().__init__(init_cfg)
        if decoder not in ('classic', 'simple'):
            raise ValueError(f"HeatmapHead(decoder={decoder!r}): decoder should be 'classic' or 'simple'")
        self.softmax = softmax
        self.grid = tuple(side // patch_size for side in img_size)
        if decoder == 'classic':
            self.deconv_layers = nn.Sequential(*_upsample(embed_dim, deconv_dim), *_upsample(deconv_dim, deconv_dim))
            self.final_layer = nn.Conv2d(deconv_dim, num_joints, 1)
        else:
            self.deconv_layers = nn.Sequential(nn.ReLU(), nn.Upsample(scale_factor=4, mode='bilinear'))
            self.final_layer = nn.Conv2d(embed_dim, num_joints, 3, padding=1)
        nn.init.normal_(self.final_layer.weight, std=0.001)
        nn.init.zeros_(self.final_layer.bias)

    def forward(self, tokens: Tensor) -> dict:
        """``(B,T,N,C) -> dict(heatmaps=(B,T,J,h,w))``."""
        if tokens.shape[2] != self.grid[0] * self.grid[1]:
            raise ValueError(f'HeatmapHead is built for {self.grid[0]} x {self.grid[1]} patches, got {tokens.shape[2]} '
                             'tokens per frame; give it the img_size and patch_size of the backbone')
        image = tokens.flatten(0, 1).mT.unflatten(-1, self.grid)  # (B*T, C, Hp, Wp)
        heatmaps = self.final_layer(self.deconv_layers(image))  # (B*T, J, h, w)
        if self.softmax:
            heatmaps = heatmaps.flatten(2).log_softmax(-1).view_as(heatmaps)
        return dict(heatmaps=heatmaps.unflatten(0, tokens.shape[:2]))  # (B, T, J, h, w)

    def predict(self, tokens: Tensor) -> dict:
        """``(B,T,N,C)`` to what :meth:`decode` makes of the heatmaps."""
        return self.decode(self(tokens)['heatmaps'])

    def decode(self, heatmaps: Tensor) -> dict:
        """``(B,T,J,h,w) -> dict(keypoints=(B,T,J,2), scores=(B,T,J))``: crop units and peak heights."""
        points, scores = mean_of_heatmaps(heatmaps.float().exp()) if self.softmax else decode_heatmaps(heatmaps)
        return dict(keypoints=heatmap_to_crop(points, heatmaps.shape[-2:]), scores=scores)


def _upsample(in_dim: int, out_dim: int) -> tuple:
    deconv = nn.ConvTranspose2d(in_dim, out_dim, 4, 2, 1, bias=False)
    nn.init.normal_(deconv.weight, std=0.001)
    return deconv, nn.BatchNorm2d(out_dim), nn.ReLU()
