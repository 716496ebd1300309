"""Weights of other code bases, and the models that they are made for."""
import re

from ...registry import OFFICIAL_WEIGHTS


class OfficialWeights:
    """How the weights of one origin become those of a ``PoseEstimator``.

    A subclass, registered in ``OFFICIAL_WEIGHTS``, is what ``convert_checkpoint`` and its tool need to know;
    a plugin brings one for its own method. The arguments of its constructor are the options of the conversion.

    Attributes:
        pattern: regular expression of a whole key that these weights have.
        without: of a key that they do not have.
    """
    pattern, without = '', ''

    def __init__(self):
        pass

    @classmethod
    def recognizes(cls, weights: dict) -> bool:
        """Whether weights ``{key: tensor}`` are of this origin, by their keys."""
        return any(re.fullmatch(cls.pattern, key) for key in weights) and not (
            cls.without and any(re.fullmatch(cls.without, key) for key in weights))

    def state(self, weights: dict) -> dict:
        """The weights under the keys of a ``PoseEstimator``. Raises ``ValueError`` for keys of another model."""
        raise NotImplementedError

    def config(self, weights: dict, state: dict) -> dict | None:
        """Config of the model in the size that the weights have; None: the user has to give one.

        What the shapes of the weights do not tell is as published.
        """
        return None


def recognize(weights: dict) -> list:
    """Names of the origins that weights may be of."""
    return [name for name in OFFICIAL_WEIGHTS.names() if OFFICIAL_WEIGHTS.get(name).recognizes(weights)]


def shape_of(state: dict, pattern: str) -> tuple | None:
    """Shape of the first weight whose key matches, None if there is none."""
    return next((tuple(value.shape) for key, value in state.items() if re.fullmatch(pattern, key)), None)


def depth_of(state: dict, pattern: str) -> int:
    """Number of layers, whose index is the first group of ``pattern``, which begins keys."""
    return 1 + max((int(match[1]) for key in state if (match := re.match(pattern, key))), default=0)
