"""Checks a config before anything is built: names, arguments and sections."""
import difflib
import inspect
import math

from mmengine import registry as root
from mmengine.registry import Registry
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from .. import registry
from ..registry import arguments, unknown_arguments

MODES = dict(train=('model', 'train_dataloader', 'train_cfg', 'optim_wrapper'),
             test=('model', 'test_dataloader', 'test_cfg', 'test_evaluator'))
BACKENDS = ('nccl', 'gloo', 'mpi', 'hccl', 'cncl', 'mccl')
LEVELS = ('DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL')
DATALOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader', 'submit_dataloader')
WHOLE = ('model', 'optim_wrapper', 'train_cfg', 'val_cfg', 'test_cfg', 'default_hooks', 'randomness', 'env_cfg')
# What a section is built from, and the keys that its builder takes out before the class sees them.
SECTIONS = dict(
    model=(registry.MODELS, ()),
    optim_wrapper=(registry.OPTIM_WRAPPERS, ('optimizer', 'constructor', 'paramwise_cfg')),
    param_scheduler=(registry.PARAM_SCHEDULERS, ('convert_to_iter_based',)),
    default_hooks=(registry.HOOKS, ('priority',)), custom_hooks=(registry.HOOKS, ('priority',)),
    val_evaluator=(registry.METRICS, ()), test_evaluator=(registry.METRICS, ()),
    submit_evaluator=(registry.METRICS, ()),
    train_cfg=(registry.LOOPS, ('by_epoch',)), val_cfg=(registry.LOOPS, ()), test_cfg=(registry.LOOPS, ()),
    visualizer=(registry.VISUALIZERS, ('name',)))
# Keys inside a section whose values come from another registry.
INNER = dict(dataset=registry.DATASETS, datasets=registry.DATASETS, transforms=registry.TRANSFORMS,
             pipeline=registry.TRANSFORMS, store=registry.READERS, reader=registry.READERS, windows=registry.WINDOWS,
             optimizer=registry.OPTIMIZERS, vis_backends=registry.VISBACKENDS, backbone=registry.BACKBONES,
             neck=registry.NECKS, head=registry.HEADS, fusion=registry.FUSIONS, embed=registry.EMBEDDINGS,
             losses=registry.LOSSES, body_model=registry.BODY_MODELS)


def _registries():
    found = {id(r): r for module in (registry, root) for r in vars(module).values() if isinstance(r, Registry)}
    return found.values()


def find_class(kind, preferred: Registry = None):
    """Class or function of a ``type`` value: in the preferred registry, else in any; ``None`` if in none."""
    if not isinstance(kind, str):
        return kind if callable(kind) else None
    for candidates in ((preferred,) if preferred is not None else (), _registries()):
        for candidate in candidates:
            if candidate.get(kind) is not None:
                return candidate.get(kind)
    return None


def require_sections(cfg, filename: str) -> None:
    """``TypeError`` that names file and key of a section that is no dict, or no list of dicts where it may be one."""
    for key in (*WHOLE, *DATALOADERS, *SECTIONS):
        value = cfg.get(key)
        several = isinstance(value, (list, tuple)) and key in SECTIONS and key not in WHOLE
        for index, item in enumerate(value if several else (value,)):
            if isinstance(item, (str, int, float, list, tuple, type)):  # but perhaps built already
                raise TypeError(f'{filename}: {key}{f".{index}" if several else ""}={item!r} should be dict(...)')


def check_config(cfg, filename: str = '', mode: str = 'train') -> None:
    """Check sections, registered names and arguments of a config; each error names the file and the dotted key.

    Args:
        cfg: the config after all options are merged.
        filename: for the messages.
        mode: 'train' or 'test', which decides the sections that must be there.

    Raises ``KeyError`` for a missing section or a ``type`` that is not registered, ``TypeError`` for an argument that
    the class does not take. Only the known sections are looked at, and within the model not what is under ``*_cfg``.
    """
    for key in MODES[mode]:
        if cfg.get(key) is None:
            near = difflib.get_close_matches(key, list(cfg.keys()), 1, 0.6)
            raise KeyError(f'{filename}: {mode}ing needs the key {key!r}, which is missing'
                           + (f'; nearest: {near[0]!r}' if near else ''))
    require_sections(cfg, filename)
    _check_settings(cfg, filename)
    for key, (source, taken) in SECTIONS.items():
        _check(cfg.get(key), key, source, filename, taken)
    for key in DATALOADERS:
        _check_dataloader(cfg.get(key), key, filename)
    if mode == 'train':
        _check_schedulers(cfg, filename)


def _check(value, path: str, source: Registry, filename: str, taken=()) -> None:
    """Check one dict or list and what it holds."""
    if isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _check(item, f'{path}.{index}', source, filename, taken)
    if not isinstance(value, dict):
        return
    if value.get('type') is not None:
        _check_type(value, path, source, filename, taken)
    for key, item in value.items():
        if not str(key).endswith(('_cfg', 'clip_grad')):  # these have types of their own
            _check(item, f'{path}.{key}', INNER.get(key, source), filename, taken)


def _check_type(value: dict, path: str, source: Registry, filename: str, taken) -> None:
    kind = value['type']
    if isinstance(kind, str) and '.' in kind or value.get('_scope_') not in (None, 'mmegopose', 'mmengine'):
        return
    target = find_class(kind, source)
    if isinstance(kind, str) and target is None:
        raise KeyError(f'{filename}: {path}.type={kind!r} is not registered; {source.remedy(kind)}')
    known = arguments(target)
    for key, given in value.items():
        wanted = _number(known.get(key))
        if wanted and isinstance(given, str):
            raise ValueError(f'{filename}: {path}.{key}={given!r} should be a number ({wanted.__name__}), {kind} says')
    wrong = unknown_arguments(target, {k: v for k, v in value.items() if k not in taken})
    if wrong:
        raise TypeError(f'{filename}: {path} (type {kind}) has no argument {wrong}')


def _number(parameter):
    """``int`` or ``float`` if an argument is a number and nothing else, else None."""
    if parameter is None:
        return None
    wanted = parameter.annotation
    if wanted is inspect.Parameter.empty and type(parameter.default) in (int, float):
        wanted = type(parameter.default)
    return {int: int, float: float, 'int': int, 'float': float}.get(wanted) if isinstance(wanted, (type, str)) else None


def _check_schedulers(cfg, filename: str) -> None:
    """A schedule that ends before one of its parts begins, e.g. the warm-up of a training that was made short."""
    schedulers = cfg.get('param_scheduler') or []
    single = isinstance(schedulers, dict)
    schedulers = [schedulers] if single else schedulers
    paths = ['param_scheduler' if single else f'param_scheduler.{i}' for i in range(len(schedulers))]
    for path, scheduler in zip(paths, schedulers):
        unit = 'epochs' if scheduler.get('by_epoch', True) else 'iters'
        limit, begin, end = cfg.train_cfg.get(f'max_{unit}'), scheduler.get('begin', 0), scheduler.get('end')
        last = limit if end is None else end
        if not isinstance(begin, int) or not isinstance(last, int) or begin < last:
            continue
        if end is not None or last < 2:
            raise ValueError(f'{filename}: {path} begins at begin={begin} and ends at '
                             + (f'train_cfg.max_{unit}={limit}' if end is None else f'end={end}')
                             + ', which should be larger')
        short = max(1, min(begin, last // 12))
        before = [f'{p}.end={short}' for p, s in zip(paths, schedulers) if s.get('end') == begin]
        raise ValueError(f'{filename}: {path} ({scheduler["type"]}) begins at begin={begin}, after the last iteration, '
                         f'train_cfg.max_{unit}={limit}. Make the warm-up shorter too: --cfg-options '
                         f'{" ".join([*before, f"{path}.begin={short}"])}')


def _check_loader_value(value, start: str, parameter) -> None:
    """Refuse a value of a dataloader that is no number, or no switch, where the argument is one."""
    name, switch = getattr(parameter, 'name', ''), type(getattr(parameter, 'default', None)) is bool
    least = dict(batch_size=1, num_workers=0, prefetch_factor=1).get(name)
    if least is not None and (value is not None or name == 'batch_size') and (type(value) is not int or value < least):
        raise ValueError(f'{start} should be a whole number, at least {least}')
    if (switch or name == 'shuffle') and isinstance(value, str):
        raise ValueError(f'{start} should be True or False')


def _check_dataloader(loader, path: str, filename: str) -> None:
    if not isinstance(loader, dict):
        return
    builder = ('num_batch_per_epoch', 'disable_subprocess_warning')
    own = inspect.signature(DataLoader.__init__).parameters
    for key in loader:
        if key not in own and key not in builder:
            near = difflib.get_close_matches(key, [*own, *builder], 2, 0.5)
            raise TypeError(f'{filename}: {path} has no argument {key!r}; nearest: '
                            f'{", ".join(near or list(own)[1:7])}')
        _check_loader_value(loader[key], f'{filename}: {path}.{key}={loader[key]!r}', own.get(key))
    _check(loader.get('dataset'), f'{path}.dataset', registry.DATASETS, filename)
    for key in ('sampler', 'batch_sampler'):
        _check(loader.get(key), f'{path}.{key}', registry.DATA_SAMPLERS, filename)
    _check(loader.get('collate_fn'), f'{path}.collate_fn', registry.FUNCTIONS, filename)


def _check_settings(cfg, filename: str) -> None:
    """``ValueError`` that names file and key of a seed, rate, interval, switch or path that is none."""
    for key, right, wanted in (
            ('randomness.seed', _seed, 'a whole number from 0 to 2^32 - 1, or None'),
            ('load_from', lambda value: isinstance(value, str), 'the path of a checkpoint, or None'),
            ('resume', lambda value: isinstance(value, bool), 'True or False'),
            ('log_level', lambda value: value in LEVELS or type(value) is int, f'one of {", ".join(LEVELS)}'),
            ('optim_wrapper.clip_grad', lambda value: isinstance(value, dict), 'a dict, e.g. dict(max_norm=1.0)'),
            ('optim_wrapper.clip_grad.max_norm', lambda value: _is_number(value) and value > 0, 'a number above 0'),
            ('train_cfg.max_iters', _count, 'a whole number, at least 1'),
            ('train_cfg.max_epochs', _count, 'a whole number, at least 1'),
            ('train_cfg.val_interval', _count, 'a whole number, at least 1'),
            ('optim_wrapper.optimizer.betas', _betas, 'two numbers from 0 to 1'),
            ('env_cfg.dist_cfg.backend', lambda value: isinstance(value, str) and value in BACKENDS,
             f'one of {", ".join(BACKENDS)}'),
            ('runner_type', _runner, 'EgoRunner or a subclass of it; checkpoints of other runners, such as '
             'FlexibleRunner, are neither strict nor portable'),
            ('default_hooks.checkpoint.interval', lambda value: type(value) is int and (value > 0 or value == -1),
             'a whole number, at least 1, or -1 for no checkpoints but the last')):
        value = _value(cfg, key.split('.'))
        if value is not None and not right(value):
            raise ValueError(f'{filename}: {key}={value!r} should be {wanted}')
    optimizer = _value(cfg, ['optim_wrapper', 'optimizer']) or {}
    rate = optimizer.get('lr', 0.0) if isinstance(optimizer, dict) else 0.0
    if not (_is_number(rate) and 0 <= rate < math.inf):
        raise ValueError(f'{filename}: optim_wrapper.optimizer.lr={rate!r} should be a number, 0 or more')


def _value(cfg, parts: list):
    for part in parts:
        cfg = cfg.get(part) if hasattr(cfg, 'get') and not isinstance(cfg, type) else None  # dict: the class itself
    return cfg


def _is_number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300  # NaN is not


def _count(value) -> bool:
    return isinstance(value, str) or type(value) is int and value > 0  # text: its class tells what it wants


def _betas(value) -> bool:
    return isinstance(value, (list, tuple)) and len(value) == 2 and all(
        _is_number(beta) and 0 <= beta < 1 for beta in value)


def _runner(value) -> bool:
    kind = find_class(value, registry.RUNNERS)
    return isinstance(kind, type) and issubclass(kind, Runner)


def _seed(value) -> bool:
    return type(value) is int and 0 <= value < 2 ** 32
