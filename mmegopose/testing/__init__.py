"""Checks of registered modules, for the tests of this package and of plugins.

One line tests a module::

    from mmegopose.testing import check_module

    def test_my_neck():
        check_module(dict(type='MyNeck', embed_dim=16))

Its kind (backbone, embedding, neck, fusion, head, loss, whole estimator) decides what it is given: streams and targets
are drawn as ``structures.streams`` and ``structures.sample`` declare them, tokens at random. The first broken promise
raises an ``AssertionError`` with a sentence. ``CHECKS`` holds the checks by name, each a function of a :class:`Case`.
"""
from .cases import Case, make_case
from .checks import CHECKS
from .random_data import make_streams, make_targets, make_tokens

__all__ = ['CHECKS', 'Case', 'check_module', 'make_case', 'make_streams', 'make_targets', 'make_tokens']


def check_module(config: dict, skip: tuple = (), **options) -> None:
    """Run all checks on the module of a config.

    Args:
        config: of the module; keep it small, nothing is made smaller here.
        skip: names of ``CHECKS`` that do not apply, e.g. ``('samples',)`` for a module that draws random numbers.
        options: see :class:`Case`.

    Raises:
        AssertionError: a promise is broken.
        KeyError: there is no such module, check, stream or field.
    """
    unknown = set(skip) - set(CHECKS)
    if unknown:
        raise KeyError(f'skip={sorted(unknown)}: there are the checks {list(CHECKS)}')
    case = make_case(config, **options)
    for name, check in CHECKS.items():
        if name not in skip:
            check(case)
