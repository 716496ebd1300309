"""What the runner adds to mmengine's."""
from pathlib import Path

import pytest
import torch
from helpers.engine_toy import EngineToyDataset
from mmengine.dataset import pseudo_collate
from mmengine.registry import DefaultScope

from mmegopose.datasets import batch_collate
from mmegopose.engine import EgoRunner, load_config


class Samples(torch.utils.data.Dataset):
    """A foreign data set: one sample at a time."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return dict(x=index)


def collate_of(dataset, **options):
    sampler = dict(type='DefaultSampler', shuffle=False)
    loader = EgoRunner.build_dataloader(dict(batch_size=2, num_workers=0, sampler=sampler, dataset=dataset, **options))
    return getattr(loader.collate_fn, 'func', loader.collate_fn), next(iter(loader))


def test_the_data_set_decides_how_batches_are_collated():
    DefaultScope.get_instance('test_runner', scope_name='mmegopose')
    for dataset in (dict(type='EngineToyDataset'), dict(type=EngineToyDataset), EngineToyDataset()):
        collate, batch = collate_of(dataset)
        assert collate is batch_collate and batch['inputs']['x'].shape == (2, 3)
    collate, batch = collate_of(Samples())
    assert collate is pseudo_collate and batch == dict(x=[0, 1])
    # as bases say, whose num_workers is overridden
    _, batch = collate_of(EngineToyDataset(), persistent_workers=True, prefetch_factor=4)
    assert len(batch['inputs']['x']) == 2
    collate, _ = collate_of(Samples(), collate_fn=dict(type='default_collate'))
    assert collate is not batch_collate


def test_all_that_is_missing_is_told_at_once(tmp_path):
    config = Path(__file__).parents[2] / 'configs/mesh/extpose-huge_freihand.py'
    cfg = load_config(config, {'data_root': str(tmp_path / 'gone'), 'load_from': str(tmp_path / 'no.pth')})
    cfg.work_dir = str(tmp_path / 'work')
    told = r"MANO_RIGHT.pkl.*Missing too: train_dataloader.dataset.data_root='.*gone'; .*load_from='.*no.pth'"
    with pytest.raises(FileNotFoundError, match=told):
        EgoRunner.from_cfg(cfg)
