"""Registries of mmegopose: children of mmengine's, so that ``mmpretrain.X`` scopes work.

``BACKBONES``, ``NECKS``, ... are parts of the one ``MODELS`` registry, which knows the modules of all kinds.
``READERS``, ``WINDOWS``, ``PROTOCOLS``, ``STREAMS`` and ``DETECTORS`` hold what mmengine has no registry for.
"""
import difflib
import inspect
import os.path as osp

from mmengine import registry as root
from mmengine.registry import Registry as _Registry
from mmengine.registry import build_from_cfg, build_model_from_cfg

from . import compat
from .plugins import load_plugins

compat.apply()


class Registry(_Registry):
    """A registry that answers a mistake with the nearest right names, and knows the plugins of installed packages."""

    def get(self, key: str):
        """The class or function of this name, or None."""
        load_plugins()
        return super().get(key)

    @property
    def module_dict(self) -> dict:
        """What is registered, by name."""
        load_plugins()
        return self._module_dict

    def build(self, cfg, *args, **kwargs):
        """Build ``cfg``; raises ``KeyError`` for an unknown ``type`` and ``TypeError`` for an unknown argument."""
        kind = cfg.get('type') if isinstance(cfg, dict) else None
        if isinstance(kind, str) and '.' not in kind and self.get(kind) is None:
            raise KeyError(f'type={kind!r} is not a registered {self.name}; {self.remedy(kind)}')
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
        if not force and not _same(self._module_dict.get(name, item), item):
            raise KeyError(f'{self.name} {name!r} is registered already: {self._module_dict[name]}')
        self._module_dict[name] = item

    def _register_module(self, module, module_name=None, force=False):
        names = [module_name] if isinstance(module_name, str) else module_name or [module.__name__]
        force = force or all(_same(self._module_dict.get(name, module), module) for name in names)
        super()._register_module(module, module_name, force)

    def names(self) -> list:
        """Registered names, this registry's own first."""
        self.import_from_location()
        return list(dict.fromkeys([*self.module_dict, *(self.parent.module_dict if self.parent else ())]))

    def nearest(self, name: str, count: int = 3) -> list:
        """Registered names closest to ``name``: of this kind, else of all; if none is close, the first of this kind."""
        return difflib.get_close_matches(name, self.names(), count, 0.4) \
            or difflib.get_close_matches(name, self.module_dict, count, 0.7) or sorted(self.names())[:10]

    def remedy(self, name: str) -> str:
        """What to tell of a name that is not registered."""
        return f'nearest: {", ".join(self.nearest(name))}. If it is your own class, name its module in ' \
               'custom_imports; if it comes with another package, is that installed (pip)?'


class Part(Registry):
    """The modules of one kind in a registry, e.g. the necks of ``MODELS``.

    What is registered here is registered in the whole, and every module of the whole can be built from here; the kind
    only decides which names are offered after a mistake, and what ``mmegopose.testing`` tests in which way.
    """

    def __init__(self, kind: str, whole: Registry):
        super().__init__(kind, whole.build_func, scope=whole.scope, locations=whole._locations)
        self.parent, self._module_dict = whole.parent, whole._module_dict
        self._kind = {}

    def names(self) -> list:
        self.import_from_location()
        return [name for name in self._kind if name in self.module_dict] or super().names()

    def _register_module(self, module, module_name=None, force=False):
        super()._register_module(module, module_name, force)
        names = [module_name] if isinstance(module_name, str) else module_name or [module.__name__]
        self._kind.update(dict.fromkeys(names, module))


def _same(first, second) -> bool:
    """Whether two things are equal, or of one line of code that was imported by two names, e.g. by pytest and a config.

    Classes and functions are told by file and qualified name; of tuples all entries are compared.
    """
    if first == second:
        return True
    if isinstance(first, tuple) and isinstance(second, tuple) and len(first) == len(second):
        return all(map(_same, first, second))
    return callable(first) and callable(second) and None is not _origin(first) == _origin(second)


def _origin(item) -> tuple | None:
    """File, qualified name and, of a lambda, line; None if there is no file."""
    try:
        line = item.__code__.co_firstlineno if item.__name__ == '<lambda>' else 0
        return osp.realpath(inspect.getfile(item)), item.__qualname__, line
    except (TypeError, OSError, AttributeError):
        return None


def arguments(target) -> dict:
    """Named arguments of a class or function and of the parents that it hands ``**kwargs`` to: ``{name: Parameter}``.

    With a key ``'**'`` if it may take others too.
    """
    known = {}
    for cls in inspect.getmro(target) if inspect.isclass(target) else (target,):
        try:
            parameters = inspect.signature(cls.__init__ if inspect.isclass(cls) else cls).parameters
        except (TypeError, ValueError):
            break
        for name, parameter in parameters.items():
            if name != 'self' and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
                known.setdefault(name, parameter)
        if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            return known
    return {**known, '**': True}


def unknown_arguments(target, cfg: dict) -> str:
    """Text that lists the keys of ``cfg`` that ``target`` does not take, each with its nearest argument; or ``''``."""
    known = arguments(target)
    if known.pop('**', None):
        return ''
    names = list(known)
    wrong = [k for k in cfg if k not in names and k not in ('type', '_scope_')]
    nearest = {key: ', '.join(difflib.get_close_matches(key, names, 2, 0.5) or names[:6]) for key in wrong}
    return ', '.join(f'{key!r} (nearest: {near})' for key, near in nearest.items())


def _child(parent, locations=(), build_func=None):
    return Registry(parent.name, build_func=build_func or build_from_cfg, parent=parent, scope='mmegopose',
                    locations=[f'mmegopose.{m}' for m in locations])


def _own(name: str, locations):
    return Registry(name, scope='mmegopose', locations=[f'mmegopose.{m}' for m in locations])


MODELS = _child(root.MODELS, ['models'], build_model_from_cfg)
BACKBONES, NECKS, HEADS, FUSIONS = (Part(kind, MODELS) for kind in ('backbone', 'neck', 'head', 'fusion'))
EMBEDDINGS, LOSSES, BODY_MODELS = (Part(kind, MODELS) for kind in ('embedding', 'loss', 'body model'))

STREAMS = _own('stream', ['structures'])      # inputs of models
PROTOCOLS = _own('protocol', ['structures'])  # what counts when a benchmark is scored
READERS = _own('reader', ['datasets.readers', 'synthesis', 'inference'])
DETECTORS = _own('detector', ['inference'])  # 2D poses of pictures
OFFICIAL_WEIGHTS = _own('origin of weights', ['models'])
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
