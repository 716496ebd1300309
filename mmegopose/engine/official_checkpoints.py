"""Official checkpoints become checkpoints of this package."""
import re
import zipfile
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

from ..models.weights import recognize, unwrap
from ..registry import MODELS, OFFICIAL_WEIGHTS
from .checkpoint import CheckpointError, check_fit, load_from_local, state_of

OURS = r'(branches|neck|fusion)\..*|backbone\.(embed|proj)\..*'  # keys that no official checkpoint has
PARTS = ('embed', 'backbone', 'neck', 'head', 'fusion')


class Skipped:
    """Stands for the classes of objects that are no weights, such as configs: they become dicts, and no code runs."""

    def __new__(cls, *args, **kwargs):
        return OrderedDict()


class SkippedState:
    """Stands for the random state of numpy, whose own state is no dict."""

    def __init__(self, *args):
        pass

    def __setstate__(self, state):
        pass


RANDOM_STATE = {f'numpy.random.{name}': SkippedState for name in (
    '__RandomState_ctor', '_mt19937.MT19937', '_pickle.__bit_generator_ctor', '_pickle.__randomstate_ctor')}


def read_weights(source: str) -> dict:
    """Weights in a checkpoint, whatever objects (configs of the training, say) lie beside them.

    Files that torch wrote before its version 1.6 may hold no objects but random states. Raises ``FileNotFoundError``
    or ``CheckpointError``.
    """
    foreign = dict(RANDOM_STATE)
    if Path(source).is_file() and zipfile.is_zipfile(source):
        foreign = dict.fromkeys(get_unsafe_globals_in_checkpoint(source), Skipped) | foreign
    with safe_globals([(stand_in, name) for name, stand_in in foreign.items()]):
        checkpoint = load_from_local(source)
    return state_of(unwrap(checkpoint) if isinstance(checkpoint, dict) else checkpoint, source)


@contextmanager
def told_to_convert(source: str) -> Iterator[None]:
    """A checkpoint that cannot be used because it holds official weights is answered with the command to convert it."""
    try:
        yield
    except CheckpointError:
        try:
            weights = read_weights(source)
        except (CheckpointError, FileNotFoundError):
            weights = {}
        names = recognize(weights)
        if not names or any(re.fullmatch(OURS, key) for key in weights):
            raise
        raise CheckpointError(  # the advice of the first error would lead astray
            f'{source} holds official weights ({" or ".join(names)}), which have other names here. Convert them: '
            f'python tools/model_converters/official.py {source} {Path(source).stem}_converted.pth') from None


def convert_checkpoint(source: str, origin: str | None = None, model: dict | None = None, **options):
    """Config of the ``PoseEstimator`` that official weights are made for, and the weights under its keys.

    Args:
        source: official checkpoint.
        origin: a name in the registry ``OFFICIAL_WEIGHTS``, e.g. ``'mixste'``; None: the one that knows the keys.
        model: config of the model, where the weights do not tell, or to check them against yours.
        options: arguments of the origin, e.g. ``num_frames=27``.

    Raises:
        FileNotFoundError, CheckpointError: no such file; one that is damaged, or does not fit, with every key that
            does not.
        KeyError, TypeError, ValueError: an unknown origin; an option that it does not have; one that does not fit.
    """
    weights = read_weights(source)
    if any(re.fullmatch(OURS, key) for key in weights):
        raise CheckpointError(f'{source} holds no official weights: its keys are those of PoseEstimator already')
    origin = origin or _origin(weights, source)
    converter = OFFICIAL_WEIGHTS.build(dict(type=origin, **options))
    if not converter.recognizes(weights):
        raise CheckpointError(_foreign(weights, source, origin))
    try:
        state = converter.state(weights)
        config = model or converter.config(weights, state)
    except KeyError as error:
        raise CheckpointError(f'{source} lacks the weights that become {error}') from None
    except ValueError as error:
        raise CheckpointError(f'{source}: {error}') from error
    if config is None:
        raise CheckpointError(f'the weights of {origin} do not tell their model: give its config')
    check_fit(_expected(config), state, f'{source} does not fit {code(config.get("neck") or config["backbone"])}')
    return config, state


def _origin(weights: dict, source: str) -> str:
    """Name of the one origin that weights may be of."""
    names = recognize(weights)
    if not names:
        raise CheckpointError(_foreign(weights, source, ' or '.join(sorted(OFFICIAL_WEIGHTS.names()))))
    if len(names) > 1:
        raise CheckpointError(f'{source} may hold weights of {" or ".join(names)}: name the origin')
    return names[0]


def _foreign(weights: dict, source: str, origin: str) -> str:
    return f'{source} holds no weights of {origin}; its keys are {", ".join(list(weights)[:6])}, ... If a plugin ' \
           "knows them, name the plugin's config with --config, or install the plugin"


def _expected(config: dict) -> dict:
    """Empty weights of the parts of a model, under the keys of a ``PoseEstimator``; a backbone alone will do."""
    with torch.device('meta'):
        parts = {part: MODELS.build(config[part]) for part in PARTS if config.get(part)}
        parts |= {f'losses.{name}': MODELS.build(loss) for name, loss in (config.get('losses') or {}).items()}
    return {f'{part}.{key}': value for part, module in parts.items() for key, value in module.state_dict().items()}


def code(config: dict) -> str:
    """A config as it stands in a file."""
    return 'dict(' + ', '.join(f'{key}={code(value) if isinstance(value, dict) else repr(value)}'
                               for key, value in config.items()) + ')'
