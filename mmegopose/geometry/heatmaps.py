"""Heatmaps of keypoints: encode, decode, and the way to the units of a crop.

An image of W pixels is W - 1 wide here, from the centre of its first pixel to that of its last (unbiased data
processing, Huang et al., CVPR 2020, arXiv 1911.07524): the outermost pixel centres of image and heatmap coincide.
"""
import torch
import torch.nn.functional as F
from torch import Tensor


def crop_to_heatmap(keypoints: Tensor, size: tuple) -> Tensor:
    """Keypoints ``(...,2)`` in crop units, sides of the square crop from its centre, to pixels of the heatmap.

    The image of ``4h`` rows and ``4w`` columns is as high as the crop, and its columns are the crop's central ones.

    Args:
        size: height and width h, w of the heatmap.
    """
    middle, scale = _image_to_heatmap(keypoints, size)
    return (keypoints * 4 * size[0] + middle) * scale


def heatmap_to_crop(points: Tensor, size: tuple) -> Tensor:
    """Inverse of :func:`crop_to_heatmap`."""
    middle, scale = _image_to_heatmap(points, size)
    return (points / scale - middle) / (4 * size[0])


def _image_to_heatmap(like: Tensor, size: tuple) -> tuple[Tensor, Tensor]:
    """Centre of the image (x, y) in its pixels, and pixels of the heatmap per pixel of the image."""
    side = torch.stack([like.new_full((), length) for length in (size[1], size[0])])
    return 2 * side, (side - 1) / (4 * side - 1)


def encode_heatmaps(keypoints: Tensor, size: tuple, sigma: float = 2.0, height: Tensor | None = None) -> Tensor:
    """Gaussians about keypoints, ``(...,J,2) -> (...,J,h,w)``.

    Unbiased data processing (Huang et al., CVPR 2020, arXiv 1911.07524): an image of W pixels is W - 1 wide, so
    a keypoint at x pixels of the image stands at ``x * (w - 1) / (W - 1)`` of the heatmap, without rounding.

    Args:
        keypoints: x and y in pixels of the heatmap.
        size: height and width h, w.
        sigma: of the Gaussian, in pixels of the heatmap.
        height: ``(...,J)`` of the Gaussians; None: 1.
    """
    x, y = (torch.arange(side, dtype=keypoints.dtype, device=keypoints.device) for side in (size[1], size[0]))
    near_x, near_y = (torch.exp(-(place - keypoints[..., i, None]).square() / (2 * sigma ** 2))
                      for i, place in enumerate((x, y)))
    if height is not None:
        near_y = height[..., None] * near_y
    return near_y[..., :, None] * near_x[..., None, :]  # (..., J, h, w)


def mean_of_heatmaps(heatmaps: Tensor) -> tuple[Tensor, Tensor]:
    """Means of probabilities, ``(...,h,w) -> (...,2) x and y in pixels of the heatmap, (...) peak heights``."""
    row, column = (torch.arange(side, dtype=heatmaps.dtype, device=heatmaps.device) for side in heatmaps.shape[-2:])
    points = torch.stack([heatmaps.sum(-2) @ column, heatmaps.sum(-1) @ row], -1)
    return points, heatmaps.amax((-2, -1))


def decode_heatmaps(heatmaps: Tensor, blur: int = 11) -> tuple[Tensor, Tensor]:
    """Sub-pixel peaks of heatmaps, ``(...,h,w) -> (...,2) x and y in pixels of the heatmap, (...) peak heights``.

    One Newton step from the highest pixel on the logarithm of the blurred heatmap, exact for a Gaussian (Zhang et al.,
    DARK, CVPR 2020, arXiv 1910.06278, section 3.2), as ViTPose decodes with unbiased data processing. Where the
    logarithm has no maximum near the highest pixel, this pixel is the answer; ViTPose may leave the heatmap there.

    Args:
        heatmaps: any floating type.
        blur: side of the Gaussian that smooths the heatmap, odd, in pixels.
    """
    maps = heatmaps[None].float().flatten(0, -3)  # (K, h, w)
    K, h, w = maps.shape
    scores, index = maps.flatten(1).max(1)
    column, row = index % w, index // w
    smooth = F.pad(_blur(maps, blur).clamp(min=0.001).log()[None], (1, 1, 1, 1), 'replicate')[0]  # (K, h+2, w+2)
    offset = torch.arange(3, device=maps.device)
    rows, columns = row[:, None] + offset, column[:, None] + offset
    patch = smooth[torch.arange(K, device=maps.device)[:, None, None], rows[:, :, None], columns[:, None]]  # (K, 3, 3)
    dx, dy = (patch[:, 1, 2] - patch[:, 1, 0]) / 2, (patch[:, 2, 1] - patch[:, 0, 1]) / 2
    twice = 2 * patch[:, 1, 1]
    dxx, dyy = patch[:, 1, 2] - twice + patch[:, 1, 0], patch[:, 2, 1] - twice + patch[:, 0, 1]
    dxy = (patch[:, 2, 2] - patch[:, 1, 2] - patch[:, 2, 1] + twice
           - patch[:, 1, 0] - patch[:, 0, 1] + patch[:, 0, 0]) / 2
    determinant = dxx * dyy - dxy.square()
    peak = (dxx < 0) & (determinant > 1e-8)  # elsewhere the parabola has no maximum
    step = torch.stack([dxy * dy - dyy * dx, dxy * dx - dxx * dy], -1) / determinant.clamp(min=1e-8)[:, None]
    step = torch.where(peak[:, None], step, 0)
    points = torch.stack([column, row], -1) + step
    shape = 1, *heatmaps.shape[:-2]  # which may be none
    return points.unflatten(0, shape)[0], scores.unflatten(0, shape)[0]


def _blur(maps: Tensor, side: int) -> Tensor:
    """Separable Gaussian blur of ``(K,h,w)``, with the width that OpenCV derives from the side."""
    sigma = 0.3 * ((side - 1) / 2 - 1) + 0.8
    place = torch.arange(side, dtype=maps.dtype, device=maps.device) - side // 2
    kernel = torch.softmax(-place.square() / (2 * sigma ** 2), 0)
    maps = F.pad(maps[:, None], (side // 2,) * 4, 'reflect')
    return F.conv2d(F.conv2d(maps, kernel[None, None, None]), kernel[None, None, :, None])[:, 0]
