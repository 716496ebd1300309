"""The one place that knows about versions of torch, numpy and mmengine.

``apply()`` repairs what mmengine 0.10.7 breaks on recent torch, numpy and setuptools, without touching its files;
it works over ``onedl-mmengine`` too. The heavy imports happen inside the functions.
"""
import functools
import importlib.metadata
import importlib.util
import os.path as osp
import pickle
import sys

from .config_files import PREFIX, find_config, shipped_root

HISTORY_LENGTH = 10_000
"""Values that one logged scalar keeps; mmengine's million makes every update cost as much as the whole history."""


@functools.cache
def apply():
    """Repair what this combination of versions breaks; later calls do nothing."""
    _allow_history_in_checkpoints()
    _replace_pkg_resources()
    _find_own_configs()
    _know_standard_library()
    _read_yaml_as_data()
    _cap_history()


def cpu_has_bfloat16() -> bool:
    """Whether this processor computes in bfloat16; elsewhere torch imitates it, 40 times slower than float32."""
    import torch
    supported = getattr(torch.ops.mkldnn, '_is_mkldnn_bf16_supported', None)
    return supported is None or supported()


def coco_api():
    """``(COCO, COCOeval)`` of xtcocotools where it loads, else of pycocotools; ``ImportError`` if there is neither."""
    if importlib.util.find_spec('xtcocotools'):
        try:
            import xtcocotools._mask  # noqa: F401
        except ValueError:
            # A wheel built for the other numpy major: its C part equals that of pycocotools.
            with_pycocotools = importlib.util.find_spec('pycocotools')
            if with_pycocotools:
                sys.modules['xtcocotools._mask'] = importlib.import_module('pycocotools._mask')
        except ImportError:
            pass
        if 'xtcocotools._mask' in sys.modules:
            from xtcocotools.coco import COCO
            from xtcocotools.cocoeval import COCOeval
            return COCO, COCOeval
    try:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    except ImportError as error:
        raise ImportError('COCO evaluation needs a COCO API: pip install pycocotools') from error
    return COCO, COCOeval


def _allow_history_in_checkpoints():
    """Let ``torch.load(weights_only=True)`` read mmengine's checkpoints: they pickle ``HistoryBuffer`` and numpy."""
    import numpy as np
    import torch
    from mmengine.config import ConfigDict
    from mmengine.logging import HistoryBuffer
    if torch.torch_version.TorchVersion(torch.__version__) < (2, 6):
        return  # no renamed safe globals there; checkpoints of EgoRunner hold plain values and need none

    def history_method(owner, name):
        """Stands in for ``getattr``, which a checkpoint could abuse, and answers only what HistoryBuffer pickles."""
        if owner is HistoryBuffer and name in ('min', 'max', 'mean', 'current'):
            return getattr(HistoryBuffer, name)
        raise pickle.UnpicklingError(f'Unsupported getattr of {owner!r}, {name!r}')

    numpy1 = np.lib.NumpyVersion(np.__version__) < '2.0.0'
    multiarray = np.core.multiarray if numpy1 else np._core.multiarray
    allowed = [HistoryBuffer, ConfigDict, np.ndarray, np.dtype]
    allowed += [type(np.dtype(code)) for code in ('?', 'i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8',
                                                  'f2', 'f4', 'f8', 'U1')]
    for module in ('numpy.core.multiarray', 'numpy._core.multiarray'):
        allowed += [(multiarray._reconstruct, f'{module}._reconstruct'), (multiarray.scalar, f'{module}.scalar')]
    allowed += [(history_method, f'{module}.getattr') for module in ('builtins', '__builtin__')]
    torch.serialization.add_safe_globals(allowed)


def _module_of(package: str):
    """Import spec of a distribution or module name, or ``None``."""
    spec = importlib.util.find_spec(package)
    if spec is None:
        try:
            names = importlib.metadata.distribution(package).read_text('top_level.txt') or ''
        except importlib.metadata.PackageNotFoundError:
            return None
        spec = importlib.util.find_spec(names.split()[0]) if names.split() else None
    return spec


def is_installed(package: str) -> bool:
    """Whether a distribution or an importable module has this name."""
    spec = _module_of(package)
    return spec is not None and spec.origin is not None


def get_installed_path(package: str) -> str:
    """Folder of an installed package; ``ModuleNotFoundError`` if it is not installed."""
    spec = _module_of(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f'{package} is not installed', name=package)
    return osp.dirname(spec.origin)


def _replace_pkg_resources():
    """Give configs of packages (``_base_='mmegopose::...'``) a path finder without setuptools' pkg_resources."""
    import mmengine.config.config
    import mmengine.utils.package_utils
    from mmengine.config.utils import MODULE2PACKAGE
    MODULE2PACKAGE['mmegopose'] = 'mmegopose'
    modules = [mmengine.utils, mmengine.utils.package_utils, mmengine.config.config,
               sys.modules.get('mmengine.hub.hub')]
    for module in filter(None, modules):
        for function in (is_installed, get_installed_path):
            if hasattr(module, function.__name__):
                setattr(module, function.__name__, function)


def _find_own_configs():
    """Let mmengine find ``mmegopose::levelwise_vit.py``: as a config, as a ``_base_`` and in its hub.

    It looks for ``mmegopose/.mim``, which a checkout does not have, and wants a folder in every name.
    """
    import mmengine.config.config
    import mmengine.config.utils
    from mmengine.config import Config
    own, fromfile = osp.dirname(osp.abspath(__file__)), Config.fromfile

    def named(original, cfg_path):
        package, _, name = cfg_path.partition('::')
        return (package, name) if package == 'mmegopose' else original(cfg_path)

    def described(original, package_path, cfg_path):
        if package_path != own:
            return original(package_path, cfg_path)
        root = shipped_root()
        for file in mmengine.load(root / 'model-index.yml')['Import']:
            for entry in mmengine.load(root / file)['Models']:
                if entry['Config'] == f'configs/{cfg_path}':
                    return dict(entry, Config=str(root / entry['Config']))
        raise ValueError(f'no metafile names configs/{cfg_path}')

    def located(original, package_path, cfg_name):
        return find_config(PREFIX + cfg_name) if package_path == own else original(package_path, cfg_name)

    for name, ours in (('_get_package_and_cfg_path', named), ('_get_cfg_metainfo', described),
                       ('_get_external_cfg_base_path', located)):
        replacement = functools.partial(ours, getattr(mmengine.config.utils, name))
        for module in (mmengine.config.utils, mmengine.config.config, sys.modules.get('mmengine.hub.hub')):
            if hasattr(module, name):
                setattr(module, name, replacement)
    Config.fromfile = staticmethod(functools.wraps(fromfile)(
        lambda filename, *args, **kwargs: fromfile(find_config(str(filename)), *args, **kwargs)))


def _know_standard_library():
    """Let new-style configs import the standard library, wherever the Python of this machine lies."""
    import mmengine.config.config
    import mmengine.config.utils
    original = mmengine.config.utils._is_builtin_module
    standard = getattr(sys, 'stdlib_module_names', ())

    def is_builtin_module(name):
        return name.split('.')[0] in standard or original(name)

    for module in (mmengine.config.utils, mmengine.config.config):
        module._is_builtin_module = is_builtin_module


def _read_yaml_as_data():
    """Let mmengine read YAML, of a config or of metafiles, as plain values: its own loader makes and calls objects."""
    from mmengine.fileio import register_handler
    from mmengine.fileio.handlers import YamlHandler

    from .yaml_text import parse_yaml

    class PlainYamlHandler(YamlHandler):
        def load_from_fileobj(self, file, **_):
            return parse_yaml(file.read(), getattr(file, 'name', 'the YAML'))

    register_handler(['yaml', 'yml'])(PlainYamlHandler)


def _cap_history():
    """Shorten the default history of a logged scalar."""
    from mmengine.logging import HistoryBuffer
    *histories, _ = HistoryBuffer.__init__.__defaults__
    HistoryBuffer.__init__.__defaults__ = (*histories, HISTORY_LENGTH)
