import sys

import cv2
import numpy as np
import pytest
import torch
from helpers.source_tree import ROOT

from mmegopose.engine.config import load_config
from mmegopose.registry import MODELS
from mmegopose.structures import get_skeleton
from mmegopose.visualization import draw_joint_attention, draw_patch_attention

sys.path.insert(0, str(ROOT / 'tools/analysis_tools'))
import attention_maps  # noqa: E402


@pytest.fixture
def checkpoint(tmp_path):
    def make(config):
        torch.manual_seed(0)
        torch.save(dict(state_dict=MODELS.build(load_config(config).model).state_dict()), tmp_path / 'model.pth')
        return str(tmp_path / 'model.pth')
    return make


@pytest.mark.parametrize('name', ['lifting/stcformer_27_sample', 'lifting/mixste_27_sample',
                                  'mesh/extpose-tiny_synthetic-hand', 'head_pose/levelwise_vit_coarse_only'])
def test_every_family_gets_its_pictures(tmp_path, checkpoint, name):
    config = f'{ROOT}/configs/{name}.py'
    written = attention_maps.main([config, checkpoint(config), '--out', str(tmp_path / 'out'), '--num-samples', '2',
                                   '--layer', '0'])
    assert len(written) == 2 and written[0] != written[1]
    assert all(cv2.imread(str(path)).std() > 20 for path in written)


def test_blocks_that_are_not_there_are_named():
    with pytest.raises(ValueError, match='--layer 3 should be one of 2 blocks'):
        attention_maps.layers_of({'neck.blocks.0.attn': [], 'neck.blocks.1.attn': []}, 3)
    with pytest.raises(ValueError, match='the model has no blocks to show'):
        attention_maps.layers_of({'head.attn': []}, 0)


def test_joint_that_looks_is_joined_to_what_it_looks_at():
    skeleton = get_skeleton('coco17')
    weights = np.full((17, 17), 0.01)
    weights[9, 16] = 0.84
    points = np.random.default_rng(0).normal(size=(17, 2))
    panel = draw_joint_attention(weights, None, points, skeleton, ['left-wrist', 'nose']).axes[0]
    widest = max(panel.lines[len(skeleton.edges):], key=lambda line: line.get_linewidth())
    np.testing.assert_allclose(np.transpose(widest.get_data()), points[[9, 16]])
    assert panel.get_title() == 'left wrist looks at'


def test_weights_lie_on_their_patches():
    image, weights = np.full((64, 48, 3), 100, np.uint8), np.zeros((4, 3))
    weights[1, 2] = 0.5
    figure = draw_patch_attention([('2D pose', image, (16, 16, 16, 16), {'picture': (image, weights)})])
    own, seen = figure.axes[:2]
    assert own.patches[0].get_bbox().bounds == (15.5, 15.5, 16, 16)
    assert seen.images[1].get_extent() == [-0.5, 47.5, 63.5, -0.5]
    assert seen.get_title() == 'picture: 50% of the attention'
    assert seen.images[1].get_array()[1, 2] == 0.5
