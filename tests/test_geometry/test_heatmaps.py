"""Heatmaps by hand."""
import math

import pytest
import torch

from mmegopose.geometry.heatmaps import decode_heatmaps, encode_heatmaps, mean_of_heatmaps


@pytest.mark.parametrize('sigma', [1.5, 3.0])
def test_a_gaussian_falls_as_it_should(sigma):
    place, height = torch.tensor([[4.25, 6.5], [1, 2]], dtype=torch.float64), torch.tensor([0.5, 1]).double()
    heatmaps = encode_heatmaps(place, (9, 12), sigma, height)
    assert heatmaps.shape == (2, 9, 12)
    for row, column in ((6, 4), (0, 11), (8, 0)):
        square = (column - 4.25) ** 2 + (row - 6.5) ** 2
        assert heatmaps[0, row, column].item() == pytest.approx(0.5 * math.exp(-square / 2 / sigma ** 2))
    assert heatmaps[1, 2, 1] == 1 and heatmaps[1].argmax() == 2 * 12 + 1
    assert encode_heatmaps(place, (9, 12))[1, 2, 2].item() == pytest.approx(math.exp(-1 / 8))  # of two pixels


def test_the_mean_of_probabilities():
    heatmap = torch.zeros(1, 4, 6)
    heatmap[0, 1, 2], heatmap[0, 3, 5] = 0.25, 0.75
    points, height = mean_of_heatmaps(heatmap)
    torch.testing.assert_close(points, torch.tensor([[0.25 * 2 + 0.75 * 5, 0.25 * 1 + 0.75 * 3]]))
    assert height.tolist() == [0.75]
    many = mean_of_heatmaps(heatmap.expand(2, 3, 1, 4, 6) * torch.tensor([1, 2.])[:, None, None, None, None])
    torch.testing.assert_close(many[0], points.expand(2, 3, 1, 2) * torch.tensor([1, 2.])[:, None, None, None])
    assert many[1].tolist() == [[[0.75]] * 3, [[1.5]] * 3]


def test_a_spike_within_a_ring_is_where_it_is():
    row, column = torch.meshgrid(torch.arange(32.), torch.arange(24.), indexing='ij')
    heatmap = 0.9 * ((torch.hypot(row - 16, column - 12) - 4).abs() < 0.5)  # still the highest when both are blurred
    heatmap[16, 12:14] = torch.tensor([1, 0.1])  # there is a slope, but no maximum near
    point, score = decode_heatmaps(heatmap)
    assert point.tolist() == [12, 16] and score == 1


def test_broad_peaks_are_found_between_the_pixels():
    places = torch.tensor([[20.3, 30.6], [24.5, 25.25]])
    torch.testing.assert_close(decode_heatmaps(encode_heatmaps(places, (64, 48), 8.0))[0], places, atol=0.02, rtol=0)
