"""Models that have a name: those that come with the package, the user's own, and the facts of each.

Nothing here needs torch, so that the command line lists them at once.
"""
import difflib
import os
import warnings
from dataclasses import dataclass, field
from pathlib import Path

from ..files import BadFile, cache_home, sha256_of
from ..yaml_text import read_yaml

SHIPPED = Path(__file__).parents[1] / 'assets' / 'models'
FACTS = 'facts.yml'
READS = dict(HeadPoseInferencer='head tracks', LiftingInferencer='2D poses', MeshInferencer='pictures')
"""What the models of each inferencer read."""


@dataclass(frozen=True)
class NamedModel:
    """A folder with a config and weights.

    Attributes:
        name: of the folder, or another one that its facts give it (``also``).
        folder: where it is.
        facts: content of its ``facts.yml``, see :func:`.publish_model`; empty if it has none.
    """
    name: str
    folder: Path
    facts: dict = field(default_factory=dict)

    @property
    def shipped(self) -> bool:
        """Whether it comes with the package."""
        return self.folder.parent == SHIPPED


def model_folders() -> list[Path]:
    """Folders whose subfolders are models with a name: those of the package, and ``models`` in the cache."""
    return [SHIPPED, cache_home() / 'models']


def read_facts(folder: Path) -> dict:
    """The facts of a model, empty if it has no such file. Raises ``BadFile`` if that is not readable, or of other kinds
    than :func:`.publish_model` writes.
    """
    path = folder / FACTS
    if not path.is_file():
        return {}
    facts = read_yaml(path)
    if told := _wrong_facts(facts):
        raise BadFile(f'{path}: {told}: copy it again, or remove it')
    return facts


def _wrong_facts(facts) -> str:
    """What in the content of a file of facts is of another kind than it should be, empty if nothing is."""
    if not isinstance(facts, dict):
        return f'it should hold names and values, got {type(facts).__name__}'
    for key in ('num_parameters', 'bytes'):
        if not isinstance(facts.get(key) or 0, (int, float)):
            return f'{key}={facts[key]!r} should be a number'
    also = facts.get('also') or []
    if not isinstance(also, list) or not all(isinstance(name, str) for name in also):
        return f'also={also!r} should be a list of names'
    scores = facts.get('scores') or []
    if not isinstance(scores, list) or not all(
            isinstance(score, dict) and {'measure', 'value', 'data'} <= score.keys()
            and isinstance(score['value'], (int, float)) for score in scores):
        return 'scores should be a list of measure, value and data'
    return ''


def named_models() -> list[NamedModel]:
    """All models that have a name, each once: those of the package come first, and their names are theirs."""
    found: dict[str, NamedModel] = {}
    for home in model_folders():
        for folder in sorted({config.parent for config in home.glob('*/*.py')}):
            try:
                facts = read_facts(folder)
            except (BadFile, OSError) as error:  # one damaged folder does not hide the others
                warnings.warn(f'{error}; the model {folder.name} is taken without its facts', stacklevel=2)
                facts = {}
            for name in (folder.name, *(facts.get('also') or ())):
                found.setdefault(name, NamedModel(name, folder, facts))
    return list(found.values())


def shipped_model(inferencer: str) -> NamedModel:
    """The model of the package for an inferencer, the first by name.

    Raises ``FileNotFoundError`` that tells which there are if it has none.
    """
    shipped = [model for model in named_models() if model.shipped]
    for model in shipped:
        if model.facts.get('inferencer') == inferencer and model.name == model.folder.name:
            return model
    there = ', '.join(f'{model.name} ({READS.get(str(model.facts.get("inferencer")), "other data")})'
                      for model in shipped)
    raise FileNotFoundError(f'no model that reads {READS.get(inferencer, f"the data of {inferencer}")} comes with this '
                            f'version of mmegopose; these do: {there or "none"}. Name a model: the folder that a '
                            'training wrote, or a config and its checkpoint')


def named_checkpoint(work_dir) -> Path:
    """The file that ``last_checkpoint`` of a work dir names; an empty path if there is none, or it is damaged, which
    is told.
    """
    path = Path(work_dir, 'last_checkpoint')
    try:
        text = path.read_bytes().decode().strip() if path.is_file() else ''
        if text and (len(text) > 4096 or not text.isprintable() or not text.endswith('.pth')):
            raise ValueError(f'it holds {text[:40]!r}')
    except (OSError, ValueError) as error:
        warnings.warn(f'{path} does not name a checkpoint and is ignored ({error})', stacklevel=3)
        text = ''
    return Path(text)


def find_model(model: str | Path) -> tuple[Path, Path]:
    """Config and checkpoint of a model.

    Args:
        model: a folder with a config and a checkpoint, as training writes it, or the name of one of
            :func:`named_models`. The config is ``config.py`` or the only ``*.py``, the checkpoint the one that
            ``last_checkpoint`` names or the only ``*.pth``.

    Raises:
        FileNotFoundError: there is no such folder, or it lacks a file.
        ValueError: it holds several configs or checkpoints, and nothing says which.
        BadFile: the weights of a name are not those that its facts tell.
    """
    if not isinstance(model, (str, os.PathLike)) or not str(model):
        raise ValueError(f'model={model!r} should be a folder with config and checkpoint, or the name of a model')
    folder, told = Path(model).expanduser(), None  # told: checksum of the weights
    if not os.path.isdir(folder):
        known = {named.name: named for named in named_models()}
        if str(model) not in known:
            near = difflib.get_close_matches(str(model), known, 1, 0.5)
            raise FileNotFoundError(
                f'model={str(model)!r} is no folder and no name of a model; '
                + (f'nearest: {near[0]}; ' if near else '') + f'known: {", ".join(sorted(known)) or "none"}. A folder '
                'is what training wrote (its work_dir). Otherwise give config and checkpoint')
        folder, told = known[str(model)].folder, known[str(model)].facts.get('sha256')
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
    if told and sha256_of(checkpoints[0]) != told:
        raise BadFile(f'{checkpoints[0]} is not the file that {folder / FACTS} tells (sha256): copy or install the '
                      'model again, or remove sha256 there if the weights are yours')
    return configs[0], checkpoints[0]


def files_of_model(config=None, checkpoint=None, model: str | Path | None = None, inferencer: str = '') -> tuple:
    """Config, checkpoint and name of a model, however it is given.

    Args:
        config, checkpoint: both files; or ``config`` alone, which then is a folder or a name, as ``model`` is.
        model: a folder or a name, see :func:`find_model`.
        inferencer: whose shipped model is taken if nothing is given, see :func:`shipped_model`; ``''``: none.

    Raises:
        ValueError: a config file without a checkpoint, a checkpoint without a config, or a model twice.
        FileNotFoundError: no such folder or name.
    """
    if config is not None and checkpoint is not None and model is None:
        return config, checkpoint, Path(getattr(config, 'filename', None) or str(config)).stem
    if model is None and checkpoint is None and config is not None and not str(config).endswith('.py') \
            and not isinstance(config, dict):
        model, config = config, None
    if config is not None or checkpoint is not None:
        raise ValueError('what predicts needs a config and a checkpoint, or a model: a folder with both, or a name')
    if model is None:
        if not inferencer:
            raise ValueError('name a model: a folder or name, or a config and its checkpoint')
        model = shipped_model(inferencer).name
    return *find_model(model), str(model)
