"""Detectors by name."""
from collections.abc import Callable

from ...registry import DETECTORS
from ...structures import get_skeleton


def build_detector(detector: str | dict | Callable, skeleton: str | None = None) -> Callable:
    """A detector by its name or config, or your own.

    A detector is a callable ``(image (H,W,3) uint8 RGB, time in seconds) -> list of (keypoints (J,2), confidence
    (J,))``, see :class:`.Detection`, with an attribute ``skeleton``: the name of the skeleton of its keypoints. It gets
    the pictures of a video in their order; with an attribute ``follows`` that is True, the numbers that it gives people
    are relied on. ``DETECTORS.register_module('my_detector')`` makes a class known.

    Args:
        detector: name, e.g. ``'mediapipe'``, ``'mediapipe_hands'``, ``'rtmlib'``; ``dict(type=name, **options)``; or a
            callable.
        skeleton: of a callable without that attribute.

    Raises:
        KeyError: unknown name.
        ModuleNotFoundError: its package is not installed; the message says how to get it.
        ValueError: a callable that does not say its skeleton.
    """
    if isinstance(detector, str):
        detector = dict(type=detector)
    if isinstance(detector, dict):
        detector = DETECTORS.build(detector)
    if not callable(detector):
        raise ValueError(f'detector={detector!r} should be a name, one of {sorted(DETECTORS.names())}, a config, or a '
                         'callable (image, time) -> list of (keypoints, confidence)')
    name = skeleton or getattr(detector, 'skeleton', None)
    if name is None:
        raise ValueError('a detector of your own needs a skeleton: set its attribute skeleton, or pass skeleton')
    get_skeleton(name)
    return detector if getattr(detector, 'skeleton', None) == name else _Named(detector, name)


class _Named:
    """A callable with a skeleton."""

    def __init__(self, detector: Callable, skeleton: str):
        self.detector, self.skeleton = detector, skeleton

    def __call__(self, image, time):
        return self.detector(image, time)
