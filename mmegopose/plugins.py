"""Plugins: modules outside the package that register themselves in its registries.

An installed package names its module in the entry-point group ``mmegopose.plugins`` and is loaded as soon as a registry
is asked for something. Any other module is named in ``custom_imports`` of a config.
"""
import importlib
import importlib.metadata
import os.path as osp
import sys
import warnings

_homes = set()  # files and folders of the imported plugins
_loaded = None  # names of the loaded plugins of packages; None: nobody has asked yet


def import_plugin(name: str):
    """Import a module and remember that it is a plugin; raises what the module raises."""
    module = importlib.import_module(name)
    _homes.add(_home(name))
    return module


def is_plugin_file(filename: str) -> bool:
    """Whether a file belongs to an imported plugin."""
    return filename.startswith(tuple(_homes))


def load_plugins() -> tuple:
    """Load, once, the plugins of installed packages; returns the names of those that could be loaded.

    They are the modules in the entry-point group ``mmegopose.plugins``. A broken one gets one warning.
    """
    global _loaded
    if _loaded is None:
        _loaded = ()  # while they load, a plugin may ask a registry
        _loaded = tuple(entry.name for entry in importlib.metadata.entry_points(group='mmegopose.plugins')
                        if _load(entry))
    return _loaded


def _load(entry: importlib.metadata.EntryPoint) -> bool:
    """Import the module of an entry point; whether that went well."""
    try:
        entry.load()
        _homes.add(_home(entry.value.partition(':')[0].strip()))
        return True
    except Exception as error:  # a plugin can raise anything
        warnings.warn(f'the plugin {entry.name!r} ({entry.value}) cannot be loaded: {type(error).__name__}: {error}',
                      stacklevel=2)
        return False


def _home(name: str) -> str:
    """Folder of the outermost package of a module that is no namespace, or the file of a lone module."""
    parts = name.split('.')
    for depth in range(1, len(parts) + 1):
        path = getattr(sys.modules['.'.join(parts[:depth])], '__file__', None)
        if path:
            return path if depth == 1 and osp.basename(path) != '__init__.py' else osp.join(osp.dirname(path), '')
    return '\0'  # nothing but namespaces: no file
