"""A trained model from a config and a checkpoint, and the data set of the config over another recording."""
import inspect
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.model import BaseModel

from ..datasets import SequenceStore, WindowDataset
from ..engine.checkpoint import load_from_local, load_state, state_of
from ..engine.config import load_config
from ..engine.official_checkpoints import told_to_convert
from ..named_models import files_of_model
from ..registry import DATASETS, INFERENCERS, MODELS


def load_inferencer(config: str | Path | None = None, checkpoint: str | Path | None = None, *,
                    model: str | Path | None = None, **options):
    """The inferencer that belongs to the data set of a config, see ``datasets`` of :class:`.Inferencer`.

    Args:
        config, checkpoint, model, options: see :class:`.Inferencer`.

    Raises:
        ValueError: no model, or a data set for which there is no inferencer.
    """
    path = files_of_model(config, checkpoint, model)[0]
    cfg = load_config(path)
    if not (cfg.get('test_dataloader') or {}).get('dataset'):
        raise ValueError(f'{path} has no test_dataloader, which tells what is read: name the config of a training')
    kind = cfg.test_dataloader.dataset.type
    names = [cls.__name__ for cls in getattr(DATASETS.get(kind) if isinstance(kind, str) else kind, '__mro__', ())]
    families = {cls: cls.datasets for cls in INFERENCERS.module_dict.values() if hasattr(cls, 'datasets')}
    for name in names:  # the nearest class decides
        for inferencer, datasets in families.items():
            if name in datasets:
                return inferencer(config, checkpoint, model=model, **options)
    raise ValueError(f'there is no inferencer for data of {kind}, only for {sorted(sum(families.values(), ()))} and '
                     'what derives from them')


def load_model(config: str | Path | Config, checkpoint: str | Path | None = None,
               device: str | None = None) -> BaseModel:
    """The network of a model with its weights, ready to predict. What reads a recording is :func:`load_inferencer`.

    ::

        model = load_model('work_dirs/lifter')                  # the folder that training wrote, or the name of a model
        model = load_model('config.py', 'checkpoint.pth')

    Args:
        config: a name or a folder, see :func:`.find_model`; with a checkpoint a config file, or a loaded config.
        checkpoint: its checkpoint.
        device: where the model runs; default: a GPU if there is one.

    Raises:
        FileNotFoundError, ValueError: see :func:`.files_of_model`.
        CheckpointError: the weights do not fit.
        ValueError: there is no such device.
    """
    device = device_of(device)
    config, file, _ = files_of_model(config, checkpoint)
    cfg = config if isinstance(config, Config) else load_config(config)
    if cfg.get('model') is None:
        raise ValueError(f'{cfg.filename} has no model: name the config of a training')
    model = MODELS.build(cfg.model)
    with told_to_convert(str(file)):
        load_state(model, state_of(load_from_local(str(file)), str(file)), str(file))
    return model.to(device).eval()


def device_of(device: str | None) -> str:
    """A device that is there; of None a GPU, or else the CPU.

    Raises:
        ValueError: there is no such device.
    """
    device = str(device or get_device())
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # torch has one for each kind of device
        raise ValueError(f'device={device!r} is not there, says torch: {str(error).splitlines()[0]}. Name '
                         f'{get_device()!r}, or leave it out') from error
    if device.startswith('meta'):
        raise ValueError(f"device={device!r} computes nothing: name {get_device()!r}, or leave it out")
    return device


def dataset_over(store: SequenceStore, config: dict, **changes) -> WindowDataset:
    """The data set of a config over another store: its windows and its pipeline, without its reader.

    Args:
        store: the recording.
        config: data set of the config, of a class that takes a store or derives from one that does.
        changes: arguments to change.
    """
    kind = next(cls for cls in DATASETS.get(config['type']).__mro__ if 'store' in _arguments(cls))
    kept = {key: value for key, value in (dict(config) | changes).items() if key in _arguments(kind)}
    return kind(**dict(kept, store=store, test_mode=True))


def _arguments(cls) -> tuple:
    return tuple(inspect.signature(cls.__init__).parameters)
