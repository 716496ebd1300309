"""Registries of mmegopose: children of mmengine's, so that ``mmpretrain.X`` scopes work.

``BACKBONES``, ``NECKS``, ... are readable names of the one ``MODELS`` registry. ``READERS``, ``WINDOWS``, ``PROTOCOLS``
and ``STREAMS`` hold what mmengine has no registry for.
"""
import difflib
import inspect

from mmengine import registry as root
from mmengine.registry import Registry as _Registry
from mmengine.registry import build_from_cfg, build_model_from_cfg

from . import compat

compat.apply()


class Registry(_Registry):
    """A registry that answers a mistake with the nearest right names."""

    def build(self, cfg, *args, **kwargs):
        """Build ``cfg``; raises ``KeyError`` for an unknown ``type`` and ``TypeError`` for an unknown argument."""
        kind = cfg.get('type') if isinstance(cfg, dict) else None
        if isinstance(kind, str) and '.' not in kind and self.get(kind) is None:
            raise KeyError(f'type={kind!r} is not a registered {self.name}; nearest: {self.nearest(kind)}. '
                           'If it is your own class, name its module in custom_imports')
        try:
            return super().build(cfg, *args, **kwargs)
        except TypeError as error:
            target = self.get(kind) if isinstance(kind, str) else kind
            wrong = unknown_arguments(target, cfg)
            if wrong:
                raise TypeError(f'{kind} has no argument {wrong}') from error
            raise

    def add(self, name: str, item, force: bool = False) -> None:
        """Register something that is no class, e.g. a stream.

        Raises ``KeyError`` if the name stands for something else and ``force`` is not set.
        """
        if not force and self.module_dict.get(name, item) != item:
            raise KeyError(f'{self.name} {name!r} is registered already: {self.module_dict[name]}')
        self.module_dict[name] = item

    def nearest(self, name: str, count: int = 3) -> list:
        """Registered names closest to ``name``, this registry's own first."""
        names = list(self.module_dict) + list(self.parent.module_dict if self.parent else ())
        found = difflib.get_close_matches(name, names, n=count, cutoff=0.4)
        return found or sorted(self.module_dict)[:10]


def unknown_arguments(target, cfg: dict) -> str:
    """Text that lists the keys of ``cfg`` that ``target`` does not take, each with its nearest argument; or ``''``."""
    if target is None:
        return ''
    known = {}
    for cls in inspect.getmro(target) if inspect.isclass(target) else (target,):
        init = cls.__init__ if inspect.isclass(cls) else cls
        try:
            parameters = inspect.signature(init).parameters
        except (TypeError, ValueError):
            return ''
        known.update(parameters)
        if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            break
    else:
        return ''
    names = [n for n, p in known.items() if n != 'self' and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    wrong = [k for k in cfg if k not in names and k not in ('type', '_scope_')]
    nearest = {key: ', '.join(difflib.get_close_matches(key, names, 2, 0.5)) or names for key in wrong}
    return ', '.join(f'{key!r} (nearest: {near})' for key, near in nearest.items())


def _child(parent, locations=(), build_func=None):
    return Registry(parent.name, build_func=build_func or build_from_cfg, parent=parent, scope='mmegopose',
                    locations=[f'mmegopose.{m}' for m in locations])


def _own(name: str, locations):
    return Registry(name, scope='mmegopose', locations=[f'mmegopose.{m}' for m in locations])


MODELS = _child(root.MODELS, ['models'], build_model_from_cfg)
BACKBONES = NECKS = FUSIONS = HEADS = LOSSES = BODY_MODELS = MODELS

STREAMS = _own('stream', ['structures'])      # inputs of models
PROTOCOLS = _own('protocol', ['structures'])  # what counts when a benchmark is scored
READERS = _own('reader', ['datasets.readers', 'synthesis'])
WINDOWS = _own('windows', ['datasets.windows'])

DATASETS = _child(root.DATASETS, ['datasets', 'synthesis'])
TRANSFORMS = _child(root.TRANSFORMS, ['datasets', 'synthesis'])
DATA_SAMPLERS = _child(root.DATA_SAMPLERS, ['datasets'])
FUNCTIONS = _child(root.FUNCTIONS, ['datasets'])
METRICS = _child(root.METRICS, ['evaluation'])
VISUALIZERS = _child(root.VISUALIZERS, ['visualization'])
INFERENCERS = _child(root.INFERENCERS, ['inference'])
HOOKS = _child(root.HOOKS, ['engine', 'visualization'])
RUNNERS = _child(root.RUNNERS, ['engine'], root.RUNNERS.build_func)
LOOPS = _child(root.LOOPS, ['engine'])
OPTIM_WRAPPERS = _child(root.OPTIM_WRAPPERS, ['engine'])
# Nothing of ours yet, but a plugin's place: without a child mmengine warns that the scope lacks the registry.
OPTIMIZERS = _child(root.OPTIMIZERS, ['engine'])
OPTIM_WRAPPER_CONSTRUCTORS = _child(root.OPTIM_WRAPPER_CONSTRUCTORS, ['engine'])
PARAM_SCHEDULERS = _child(root.PARAM_SCHEDULERS, ['engine'], root.PARAM_SCHEDULERS.build_func)
MODEL_WRAPPERS = _child(root.MODEL_WRAPPERS, ['models'])
WEIGHT_INITIALIZERS = _child(root.WEIGHT_INITIALIZERS, ['models'])
EVALUATORS = _child(root.EVALUATOR, ['evaluation'])
VISBACKENDS = _child(root.VISBACKENDS, ['visualization'])
LOG_PROCESSORS = _child(root.LOG_PROCESSORS, ['engine'])
