"""Every shipped config: names, arguments, and the sizes that the papers give."""
import warnings
from pathlib import Path

import pytest
import torch

from mmegopose.engine.config import check_config, load_config
from mmegopose.registry import MODELS

ROOT = Path(__file__).parents[1]
CONFIGS = sorted(path for path in (ROOT / 'configs').rglob('*.py') if '_base_' not in path.parts)
PARAMETERS = {'lifting/mixste_243_h36m.py': 33_783_811, 'lifting/mixste_27_h36m.py': 33_673_219,
              'lifting/stcformer_27_h36m.py': 4_748_000, 'lifting/stcformer_243_h36m.py': 4_748_000,
              'lifting/stcformer-l_243_h36m.py': 18_933_184, 'lifting/motionbert_243_h36m.py': 42_466_317,
              'lifting/motionbert-lite_243_h36m_finetune.py': 16_001_549,
              'head_pose/levelwise_vit_submission.py': 46_212_710}


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: str(path.relative_to(ROOT / 'configs')))
def test_config_is_right(path):
    cfg = load_config(path)
    check_config(cfg, path)
    check_config(cfg, path, 'test')
    body_model = cfg.model.get('head', {}).get('body_model')
    if body_model is not None:  # MANO, SMPL and motion capture are the user's
        body_model.update(source='open_body' if '3dpw' in path.name else 'open_hand')
        cfg.model.losses.pop('adversarial', None)
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    expected = PARAMETERS.get(str(path.relative_to(ROOT / 'configs')))
    if expected:
        assert sum(p.numel() for p in model.parameters()) == expected


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: str(path.relative_to(ROOT / 'configs')))
def test_one_switch_moves_the_data(path):
    """The data root of every data set that reads files; one that draws its data says that it does not."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter('always')
        cfg = load_config(path, {'data_root': 'some/where'})
    drawn = 'synthetic' in path.name
    assert [str(w.message) for w in told] == drawn * [
        "data_root='some/where' does not reach SyntheticMeshDataset, which takes no argument 'data_root'"]
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        assert cfg[loader].dataset.get('data_root') == (None if drawn else 'some/where')
        assert drawn or repr(load_config(path).data_root) not in repr(cfg[loader].dataset.to_dict())


@pytest.mark.parametrize('path', sorted((ROOT / 'configs/lifting').glob('*.py')), ids=lambda path: path.name)
def test_one_protocol_rules_training_and_evaluation(path):
    for options, expected in ((None, load_config(path).protocol), ({'protocol': 'overlap'}, 'overlap')):
        cfg = load_config(path, options)
        assert all(cfg[loader].dataset.protocol == expected
                   for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'))
