"""Packages of detectors that are installed only by those who use them."""
import importlib
from types import ModuleType


def load_package(name: str, advice: str) -> ModuleType:
    """The module of this name.

    Raises:
        ModuleNotFoundError: it, or something that it needs, is not installed; the message is one line with the remedy.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        missing = getattr(error, 'name', None)
        also = '' if missing in (None, name) else f' ({missing} is missing)'
        raise ModuleNotFoundError(f'the detector needs the package {name}{also}: {advice}', name=name) from error
