"""A trained model from a config and a checkpoint, and the data set of the config over another recording."""
import inspect

from mmengine.config import Config
from mmengine.device import get_device
from mmengine.model import BaseModel

from ..datasets import SequenceStore, WindowDataset
from ..engine.checkpoint import load_from_local, load_state, state_of
from ..registry import DATASETS, MODELS


def load_model(cfg: Config, checkpoint: str, device: str | None = None) -> BaseModel:
    """Model of a config with the weights of a checkpoint, ready to predict.

    Args:
        cfg: loaded config.
        checkpoint: file.
        device: where the model runs; default: a GPU if there is one.
    """
    model = MODELS.build(cfg.model)
    load_state(model, state_of(load_from_local(checkpoint), checkpoint), checkpoint)
    return model.to(device or get_device()).eval()


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
