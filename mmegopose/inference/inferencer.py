"""What every inferencer does: load a model, run it in batches, and tell in each result where it came from."""
import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from .. import __version__
from ..datasets import SequenceStore, WindowDataset
from ..engine.config import load_config
from ..files import sha256_of
from ..models.engines import use_engine
from ..named_models import files_of_model
from ..registry import DATASETS
from ..structures import PoseDataSample
from .loading import dataset_over, device_of, load_model

PRECISIONS = dict(fp32=None, bf16=torch.bfloat16)


class Inferencer:
    """A trained model with the data pipeline of its config. Calling it gives a list of :class:`.Motion`.

    One call is one recording; each Motion in the list is one person or hand of it. The list is empty if there is
    nobody. A family derives from this class, defines ``__call__``, and names in ``datasets`` the data sets whose models
    it runs; registered in ``INFERENCERS``, :func:`.load_inferencer` finds it.

    Args:
        config: config file; without a checkpoint, what ``model`` is. Without anything the model of this family that
            comes with the package is taken.
        checkpoint: its checkpoint.
        model: in place of both: a folder that training wrote, or the name of a model, see :func:`.find_model`.
        device: where the model runs; default: a GPU if there is one.
        precision: ``'fp32'`` or ``'bf16'``.
        engine: what computes the networks: ``'torch'``, ``'compile'`` or ``'onnx'``, see :func:`.use_engine`.
        progress: show a progress bar; default: in a terminal.

    Attributes:
        cfg: the loaded config.
        dataset: config of its data set for tests, whose windows and pipeline are used.
        model: the model, ready to predict.
        provenance: facts of the model that each result bears.

    Raises:
        ValueError: a config without a checkpoint, a model beside them, an unknown precision, or an engine that cannot
            run the model there.
        FileNotFoundError: a file is not there, or no model of this family comes with the package.
    """

    def __init__(self, config: str | Path | None = None, checkpoint: str | Path | None = None, *,
                 model: str | Path | None = None, device: str | None = None, precision: str = 'fp32',
                 engine: str = 'torch', progress: bool | None = None):
        if precision not in PRECISIONS:
            raise ValueError(f'precision={precision!r} should be one of {list(PRECISIONS)}')
        if engine == 'onnx' and precision != 'fp32':
            raise ValueError(f"engine='onnx' computes in fp32, not in {precision}")
        config, checkpoint, name = files_of_model(config, checkpoint, model, type(self).__name__)
        self.cfg = load_config(config)
        self.dataset = self.cfg.test_dataloader.dataset
        self.device, self.precision, self.progress = device_of(device), precision, progress
        self.model = load_model(self.cfg, checkpoint, self.device)
        use_engine(self.model, engine)
        self.provenance = dict(
            model=name, config=str(config),
            checkpoint=Path(str(checkpoint)).name, checkpoint_sha256=sha256_of(Path(str(checkpoint)).expanduser()),
            precision=precision, engine=engine, mmegopose=__version__)

    datasets: tuple = ()
    default_skeleton = 'coco17'

    @property
    def skeleton(self) -> str:
        """Name of the skeleton that the model predicts."""
        found = getattr(DATASETS.get(self.dataset['type']), 'skeleton', None)
        if isinstance(found, str):
            return found
        told = [part.get('skeleton') for part in (self.dataset, self.dataset.get('store') or {})]
        return next((name for name in told if name), self.default_skeleton)

    def data_over(self, store: SequenceStore, **changes) -> WindowDataset:
        """The windows and the pipeline of the config over a store, see :func:`.dataset_over`."""
        return dataset_over(store, self.dataset, **changes)

    @torch.inference_mode()
    def predict(self, batch: dict) -> PoseDataSample:
        """The predictions for a batch ``dict(inputs, data_samples)``."""
        dtype = PRECISIONS[self.precision]
        with torch.autocast(torch.device(self.device).type, dtype) if dtype else contextlib.nullcontext():
            return self.model(**self.model.data_preprocessor(batch), mode='predict')[0]

    def samples(self, data: WindowDataset, batch_size: int) -> Iterator[PoseDataSample]:
        """The predictions for all windows of a data set, batch by batch, in order."""
        if not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
            raise ValueError(f'batch_size={batch_size!r} should be a whole number, at least 1')
        console = Console(stderr=True)
        shown = console.is_terminal if self.progress is None else self.progress
        columns = TextColumn('{task.description}'), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
        with Progress(*columns, console=console, transient=True, disable=not shown) as bar:
            task = bar.add_task(self.provenance['model'], total=len(data))
            for begin in range(0, len(data), batch_size):
                batch = data.__getitems__(np.arange(begin, min(begin + batch_size, len(data))))
                yield self.predict(batch)
                bar.advance(task, batch_size)
