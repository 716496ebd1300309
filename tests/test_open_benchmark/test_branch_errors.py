"""What mixes of two branches are worth, against branches whose errors are known."""
import numpy as np
import pytest
import torch
from torch import nn

from mmegopose.models.fusions import WeightedFusion
from mmegopose.open_benchmark.branch_errors import BranchErrors
from mmegopose.structures import PoseDataSample


def run(first: torch.Tensor, second: torch.Tensor, visible: torch.Tensor, weight: float = 0.1) -> dict:
    fusion = WeightedFusion(dict(coarse=weight, fine=1 - weight))
    errors = BranchErrors(fusion, ('coarse', 'fine'), [0, 1])
    truth = torch.randn_like(first)
    for rows in (slice(0, 100), slice(100, None)):
        fusion({}, dict(coarse=dict(joints=truth[rows] + first[rows]), fine=dict(joints=truth[rows] + second[rows])))
        sample = PoseDataSample()
        for name, value in (('joints', truth), ('visible', visible), ('scored', torch.ones(len(truth), 1).bool())):
            sample.set_field(value[rows], name)
        errors.add(sample)
    assert isinstance(fusion, nn.Module) and errors.count == int(visible[..., :2].sum())
    return errors.results()


@pytest.fixture
def noise():
    torch.manual_seed(0)
    return torch.randn(2, 4000, 1, 3, 3) / 100


def test_independent_branches_are_best_mixed_by_their_squares(noise):
    visible = torch.rand(4000, 1, 3) > 0.2
    found = run(noise[0], 2 * noise[1], visible)
    assert found['correlation'] == pytest.approx(0, abs=0.02) and found['ratio'] == pytest.approx(0.5, abs=0.01)
    assert found['best_weight'] == pytest.approx(0.8, abs=0.04)  # 4 / (1 + 4)
    assert found['best'] == pytest.approx(found['alone'][0] * np.sqrt(0.8), rel=0.02)
    assert found['alone'] == pytest.approx([found['curve'][-1], found['curve'][0]], rel=1e-5)
    assert found['fused'] == pytest.approx(np.interp(0.1, found['grid'], found['curve']), rel=1e-4)
    assert found['mean_weight'] is None


def test_branches_with_the_same_mistakes_have_nothing_to_mix(noise):
    found = run(noise[0], 1.5 * noise[0], torch.ones(4000, 1, 3).bool())
    assert found['correlation'] == pytest.approx(1) and found['best_weight'] == 1
    assert found['best'] == pytest.approx(found['alone'][0]) and found['fused'] > found['best']
