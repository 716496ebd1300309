"""What the benchmark compares: its rows, declared in a small file of Python or JSON."""
import difflib
import os
from dataclasses import dataclass, field, fields
from pathlib import Path

from mmengine.config import Config

from ..engine.checkpoint import newest_checkpoint
from ..engine.config import load_config
from ..files import BadFile, read_json
from ..named_models import find_model, named_models
from .tasks import TASKS


@dataclass(frozen=True)
class BenchmarkRow:
    """A row of the table.

    Attributes:
        name: label.
        task: ``'head'``, ``'head_wrists'`` or ``'lifting'``.
        rule: a simple rule that is learned on the spot, instead of a model; see :attr:`.OpenTask.rules`.
        model: a folder with config and checkpoint, or the name of a shipped model.
        config: of a model; for a rule, whose data it reads.
        checkpoints: of the config, one for each seed: files or work dirs, whose newest one counts; none: they are
            trained, where the command says so.
        seeds: of these trainings.
        options: changes of the config by dotted keys.
    """
    name: str
    task: str
    rule: str | None = None
    model: str | None = None
    config: str | None = None
    checkpoints: tuple = ()
    seeds: tuple = (0,)
    options: dict = field(default_factory=dict)

    def __post_init__(self):
        where = f'row {self.name!r}'
        if told := self._wrong_type():
            raise ValueError(f'{where}: {told}')
        if self.task not in TASKS:
            raise ValueError(f'{where}: there is no task {self.task!r}; there are {", ".join(TASKS)}')
        if [self.rule, self.model, None if self.rule else self.config].count(None) != 2:
            raise ValueError(f'{where} needs one of rule, model, or config with checkpoints, got {self._given()}')
        if self.model and self.checkpoints:
            raise ValueError(f'{where}: a model has its checkpoint; give config and checkpoints for several')
        if self.rule and self.rule not in TASKS[self.task].rules:
            raise ValueError(f'{where}: there is no rule {self.rule!r} for {self.task}; there are '
                             f'{", ".join(TASKS[self.task].rules)}')

    def _wrong_type(self) -> str:
        """What is not of the kind that it should be, empty if all is."""
        if not isinstance(self.name, str) or not self.name.strip() or not self.name.isprintable():
            return f'name={self.name!r} should be text, in one line'
        for key in ('task', 'rule', 'model', 'config'):
            if (value := getattr(self, key)) is not None and not isinstance(value, str):
                return f'{key}={value!r} should be text'
        for key, kind, words in (('checkpoints', str, 'files .pth or work dirs'), ('seeds', int, 'whole numbers')):
            values = getattr(self, key)
            if not isinstance(values, (list, tuple)) \
                    or not all(isinstance(value, kind) and not isinstance(value, bool) for value in values):
                return f'{key}={list(values) if isinstance(values, tuple) else values!r} should be a list of {words}'
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            return f'seeds={list(self.seeds)!r} should name one or more seeds, each once'
        if not isinstance(self.options, dict) or not all(isinstance(key, str) for key in self.options):
            return f"options={self.options!r} should be a dict of dotted keys, as {{'train_cfg.max_iters': 600}}"
        return ''

    def _given(self) -> dict:
        return {name: value for name in ('rule', 'model', 'config') if (value := getattr(self, name))}

    def find(self) -> tuple[str, list[Path]]:
        """Config and checkpoints; of a rule the config alone.

        Raises:
            FileNotFoundError: one of them is not there.
        """
        if self.rule:
            return self.config or TASKS[self.task].config, []
        if self.model:
            config, checkpoint = find_model(self.model)
            return str(config), [checkpoint]
        return self.config, [self._file(given) for given in self.checkpoints]

    def _file(self, given: str) -> Path:
        path = Path(given).expanduser()
        newest = newest_checkpoint(path) if path.is_dir() else str(path)
        if newest is None or not Path(newest).is_file():
            raise FileNotFoundError(f'row {self.name!r}: {path} is no checkpoint'
                                    + (' and has none in it' if path.is_dir() else '')
                                    + ': name a file .pth or the work dir of a training')
        return Path(newest)


def read_rows(path: str) -> list[BenchmarkRow]:
    """Rows of a file of Python (``rows = [dict(...), ...]``) or JSON (``{"rows": [{...}, ...]}``, or the list).

    Paths in it are relative to the file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it cannot be read, or a row is wrong.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'there is no file of rows {path}: name one that holds rows = [dict(...), ...]')
    try:
        content = read_json(path, (dict, list)) if Path(path).suffix == '.json' else \
            Config.fromfile(str(path)).to_dict()
    except BadFile:
        raise
    except Exception as error:  # a file of Python can raise anything
        raise ValueError(f'{path} cannot be read: {type(error).__name__}: {error}') from error
    entries = content.get('rows') if isinstance(content, dict) else content
    if isinstance(entries, tuple):
        entries = list(entries)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError(f'{path} should hold a list of dicts named rows, one for each row of the table')
    known = [part.name for part in fields(BenchmarkRow)]
    rows = []
    for number, entry in enumerate(entries, 1):
        if strange := [key for key in entry if key not in known]:
            near = difflib.get_close_matches(strange[0], known, 1)
            raise ValueError(f'{path}, row {number}: {strange[0]!r} is not known; '
                             + (f'nearest: {near[0]}' if near else f'there are {", ".join(known)}'))
        if lacking := [key for key in ('name', 'task') if not entry.get(key)]:
            raise ValueError(f'{path}, row {number} has no {lacking[0]}')
        try:
            rows.append(BenchmarkRow(**_resolved(entry, Path(path).resolve().parent)))
        except ValueError as error:
            raise ValueError(f'{path}: {error}') from None
    _require_own_names(rows, str(path))
    return rows


def _require_own_names(rows: list[BenchmarkRow], where: str) -> None:
    """``ValueError`` if two rows of a task have one name: their results could not be told apart."""
    names = [(row.task, row.name) for row in rows]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f'{where}: the task {twice[0][0]} has two rows {twice[0][1]!r}; give them names of their own')


def _resolved(entry: dict, folder: Path) -> dict:
    """A row whose paths are found from everywhere; what is of another kind stays, for the row to tell."""
    entry = dict(entry)
    if isinstance(entry.get('checkpoints'), str):
        entry['checkpoints'] = [entry['checkpoints']]
    for key in ('checkpoints', 'seeds'):
        if isinstance(entry.get(key), list):
            entry[key] = tuple(entry[key])
    if isinstance(entry.get('checkpoints'), tuple):
        entry['checkpoints'] = tuple(str(folder / Path(path).expanduser()) if isinstance(path, str) else path
                                     for path in entry['checkpoints'])
    for key in ('config', 'model'):
        value = entry.get(key)
        if value and isinstance(value, str) and (folder / Path(value).expanduser()).exists():
            entry[key] = str(folder / Path(value).expanduser())
    return entry


def default_rows(models: list[str] | None = None) -> list[BenchmarkRow]:
    """The simple rules, and models with a name or folder: those that are named, else all shipped ones.

    A model that reads wrists is a row of both tasks of the head.
    """
    rows = [BenchmarkRow(rule, task.name, rule=rule) for task in TASKS.values() for rule in task.rules]
    asked = models is not None
    if not asked:
        models = [model.name for model in named_models() if model.shipped and model.name == model.folder.name]
    names = [Path(os.path.abspath(Path(model).expanduser())).name for model in models]
    for model, name in zip(models, names):
        tasks = tasks_of(load_config(find_model(model)[0]))
        if not tasks and asked:
            raise ValueError(f'{model} reads neither head tracks nor 2D poses over time: it fits no task of the '
                             'benchmark')
        # work dirs of one name are told apart by the folders above them
        named = model if names.count(name) > 1 or name in {row.name for row in rows if row.rule} else name
        rows += [BenchmarkRow(named, task, model=model) for task in tasks]
    _require_own_names(rows, '--models')
    return rows


def data_of(cfg) -> dict | None:
    """The data set that a config validates on; a model that was published has one to test on alone."""
    return (cfg.get('val_dataloader') or cfg.get('test_dataloader') or {}).get('dataset')


def tasks_of(cfg) -> list[str]:
    """Tasks in which the model of a config can be tested; none for one of images."""
    data = data_of(cfg)
    if 'Lifting' in str(data.type) or data.type == 'RandomViewDataset':
        return ['lifting']
    if data.type != 'EgoExo4DBodyDataset':
        return []
    wrists = any(step['type'] == 'WristPlaces' for step in data.pipeline)
    return ['head', 'head_wrists'] if wrists else ['head']


def chosen(rows: list[BenchmarkRow], names: list[str] | None, tasks: list[str] | None) -> list[BenchmarkRow]:
    """Rows by name and task, all of them without; raises ``ValueError`` for a name that no row has."""
    known = list(dict.fromkeys(row.name for row in rows))
    for name in names or ():
        if name not in known:
            near = difflib.get_close_matches(name, known, 2, 0.5)
            raise ValueError(f'there is no row {name!r}; ' + (f'nearest: {", ".join(map(repr, near))}' if near else
                                                              f'there are {", ".join(map(repr, known))}'))
    return [row for row in rows if (not names or row.name in names) and (not tasks or row.task in tasks)]
