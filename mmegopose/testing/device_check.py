"""A config on a device that is not there: forward, losses, gradients and predictions."""
import copy
import re
import traceback

import torch

from ..engine.config import load_config
from ..models.estimator import PoseEstimator
from ..registry import DATASETS, MODELS
from .fake_device import Finding, Watch, device_name, fake_tensors, move_model, moved_batch, place_of


def check_devices(config: str, options: dict | None = None, num_windows: int = 2) -> dict[str, list[Finding]]:
    """What does not belong on a device, by step: ``forward``, ``loss``, ``backward`` and ``predict``.

    The model and its data are those of the config, without the weights that it starts from; their tensors are then
    replaced by some that have a device but no values. No card is needed.

    Args:
        config: file or name of a config.
        options: as ``--cfg-options``.
        num_windows: batch size.

    Raises:
        FileNotFoundError: the config needs a file that is not there.
        ValueError: it has no model or no data.
    """
    from .. import datasets, models  # noqa: F401
    cfg = load_config(config, options)
    if lacking := [key for key in ('model', 'train_dataloader', 'val_dataloader') if cfg.get(key) is None]:
        raise ValueError(f'{config} has no {", ".join(lacking)}: name the config of a training')
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    batches = [DATASETS.build(cfg[loader].dataset).__getitems__(range(num_windows))
               for loader in ('train_dataloader', 'val_dataloader')]
    return check_model(model, *batches)


def check_model(model: PoseEstimator, train_batch: dict, test_batch: dict) -> dict[str, list[Finding]]:
    """The same of a model and batches that are at hand."""
    device, found, model = device_name(), {}, copy.deepcopy(model)
    with fake_tensors() as mode:
        move_model(model, device)
        inputs, samples = moved_batch(train_batch, mode, device)
        test = moved_batch(test_batch, mode, device)

        def backward():
            with Watch(device) as watch:
                loss, _ = model.parse_losses(model(inputs, samples, mode='loss'))
                watch.findings.clear()
                return _watched(loss.backward, watch)

        model.train()
        found['forward'] = _findings(lambda: model(inputs), device)
        found['loss'] = _findings(lambda: model.parse_losses(model(inputs, samples, mode='loss')), device)
        found['backward'] = backward() if not any(one.kind == 'mixes' for one in found['loss']) else []
        model.eval()
        with torch.no_grad():
            found['predict'] = _findings(lambda: model(*test, mode='predict'), device)
    return found


def _findings(run, device: str) -> list[Finding]:
    with Watch(device) as watch:
        return _watched(run, watch)


def _watched(run, watch: Watch) -> list[Finding]:
    """What a run does that it should not; one that mixes devices ends there."""
    try:
        run()
    except Exception as error:
        cause = error
        while cause is not None and re.search('same device|two devices|different device', str(cause)) is None:
            cause = cause.__cause__
        if cause is None:
            raise
        return [*watch.findings, Finding('mixes', watch.op, place_of(traceback.extract_tb(cause.__traceback__)))]
    return watch.findings
