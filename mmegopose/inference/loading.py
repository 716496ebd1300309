"""A trained model from a config and a checkpoint."""
from mmengine.config import Config
from mmengine.device import get_device
from torch import nn

from ..engine.checkpoint import load_from_local, load_state, state_of
from ..registry import MODELS


def load_model(cfg: Config, checkpoint: str, device: str | None = None) -> nn.Module:
    """Model of a config with the weights of a checkpoint, ready to predict.

    Args:
        cfg: loaded config.
        checkpoint: file.
        device: where the model runs; default: a GPU if there is one.
    """
    model = MODELS.build(cfg.model)
    load_state(model, state_of(load_from_local(checkpoint), checkpoint), checkpoint)
    return model.to(device or get_device()).eval()
