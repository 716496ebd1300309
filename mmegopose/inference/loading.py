"""A trained model from a config and a checkpoint, and the data set of the config over another recording."""
import inspect
from pathlib import Path

from mmengine.config import Config
from mmengine.device import get_device
from mmengine.model import BaseModel

from ..datasets import SequenceStore, WindowDataset
from ..datasets.cache import cache_home
from ..engine.checkpoint import load_from_local, load_state, named_checkpoint, state_of
from ..engine.config import load_config
from ..registry import DATASETS, INFERENCERS, MODELS

SHIPPED = Path(__file__).parents[1] / 'assets' / 'models'


def model_folders() -> list[Path]:
    """Folders whose subfolders are models with a name: those of the package, and ``models`` in the cache."""
    return [SHIPPED, cache_home() / 'models']


def find_model(model: str | Path) -> tuple[Path, Path]:
    """Config and checkpoint of a model.

    Args:
        model: a folder with a config and a checkpoint, as training writes it, or the name of such a folder in one of
            :func:`model_folders`. The config is ``config.py`` or the only ``*.py``, the checkpoint the one that
            ``last_checkpoint`` names or the only ``*.pth``.

    Raises:
        FileNotFoundError: there is no such folder, or it lacks a file.
        ValueError: it holds several configs or checkpoints, and nothing says which.
    """
    places = [Path(model).expanduser(), *(home / str(model) for home in model_folders())]
    folder = next((place for place in places if place.is_dir()), None)
    if folder is None:
        known = sorted({path.parent.name for home in model_folders() for path in home.glob('*/config.py')})
        raise FileNotFoundError(f'model={str(model)!r} is no folder and no name of a model; known: '
                                f'{known or "none, so name the folder that training wrote (its work_dir)"}. Otherwise '
                                'give config and checkpoint')
    config, checkpoints = folder / 'config.py', sorted(folder.glob('*.pth'))
    configs = [config] if config.is_file() else sorted(folder.glob('*.py'))
    named = named_checkpoint(folder)  # the folder may be a copy, so the file beside it comes first
    checkpoints = next(([path] for path in (folder / named.name, named) if path.is_file()), checkpoints)
    if not configs or not checkpoints:
        raise FileNotFoundError(f'{folder} lacks {"a file *.pth" if configs else "config.py"}: name a '
                                'folder that training wrote, whose training has saved a checkpoint; otherwise give '
                                'config and checkpoint')
    for what, found in (('configs', configs), ('checkpoints', checkpoints)):
        if len(found) > 1:
            raise ValueError(f'{folder} holds the {what} {[path.name for path in found]}: give config and checkpoint')
    return configs[0], checkpoints[0]


def load_inferencer(config: str | Path | None = None, checkpoint: str | Path | None = None, *,
                    model: str | Path | None = None, **options):
    """The inferencer that belongs to the data set of a config, see ``datasets`` of :class:`.Inferencer`.

    Args:
        config, checkpoint, model, options: see :class:`.Inferencer`.

    Raises:
        ValueError: a data set for which there is no inferencer.
    """
    if config is None and model is None:
        raise ValueError('name a model: a folder or name, or a config and its checkpoint')
    cfg = load_config(find_model(model)[0] if model is not None else config)
    kind = cfg.test_dataloader.dataset.type
    names = [cls.__name__ for cls in getattr(DATASETS.get(kind) if isinstance(kind, str) else kind, '__mro__', ())]
    families = {cls: cls.datasets for cls in INFERENCERS.module_dict.values() if hasattr(cls, 'datasets')}
    for inferencer, datasets in families.items():
        if set(datasets) & set(names):
            return inferencer(config, checkpoint, model=model, **options)
    raise ValueError(f'there is no inferencer for data of {kind}, only for {sorted(sum(families.values(), ()))} and '
                     'what derives from them')


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
