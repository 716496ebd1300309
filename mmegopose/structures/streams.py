"""Streams: the named inputs of models, each declared once.

A batch holds its inputs as ``{name of the stream: tensor}``. What the package must know about a stream stands in its
entry of the registry ``STREAMS``; flip augmentation, the masks of attention, packing and pictures read it there. A
plugin adds a stream with one call::

    register_stream(Stream('gravity', ('B', 'T', 3), mask='gravity_valid', mirror=turn_round))
    register_stream(Stream('gravity_valid', ('B', 'T'), mirror=lambda valid, flip: valid))

A stream that nobody declared works wherever no rule is needed; its mask is ``<name>_valid``, if the data has one.

What is not there: where the mask of a stream is False its numbers mean nothing, whatever they are (NaN too). An
embedding reads them with ``models.layers.read_stream``, which gives the stream's ``blank`` there; the other streams of
the frame still count. A frame is there if it is ``valid`` and one of the streams that are read is there; a stream
without a mask always is. Attention and necks look at no token of a frame that is not there, and at none that its own
mask ``(B,T,N)`` leaves out. A frame that is not ``valid`` repeats a neighbour or is zero: its numbers are ordinary. A
stream may hold the newest T' frames of the window only, and so does its mask then.
"""
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from ..registry import STREAMS


class Stream(NamedTuple):
    """A named input of models.

    Attributes:
        name: its key in the inputs of a batch.
        shape: sizes as letters of the vocabulary or numbers, e.g. ``('B', 'T', 'J', 'D')``.
        mask: name of the stream that is True where this one holds something: bool, ``(B,T)`` of frames, or ``(B,T,N)``
            of the N tokens that each frame becomes. None: it always does, or is a mask itself.
        mirror: ``(values, flip) -> values`` of the mirrored scene, of the same shape; ``flip`` is the permutation that
            swaps left and right joints. None: the mirror image is not known.
        blank: what a model reads where the stream is not there: a number, or nested tuples that broadcast to a frame.
    """
    name: str
    shape: tuple
    mask: str | None = None
    mirror: Callable[[Tensor, list], Tensor] | None = None
    blank: float | tuple = 0.0


def register_stream(stream: Stream, force: bool = False) -> Stream:
    """Make a stream known. Raises ``KeyError`` if the name is taken by another one and ``force`` is not set."""
    STREAMS.add(stream.name, stream, force)
    return stream


def find_stream(name: str) -> Stream | None:
    """The declared stream of this name, or None."""
    return STREAMS.module_dict.get(name)


def mask_name(name: str) -> str | None:
    """Name of the stream that tells where the stream ``name`` holds something; None: it always does."""
    stream = find_stream(name)
    return f'{name}_valid' if stream is None else stream.mask


def require_mirror(name: str) -> Stream:
    """The declared stream; ``ValueError`` if its mirror image is not known."""
    stream = find_stream(name)
    if stream is None or stream.mirror is None:
        raise ValueError(f'the mirror image of the stream {name!r} is not known: do not mirror (test_cfg without '
                         'flip), or leave the stream out of the data if the model does not read it; one of your own '
                         'is declared with a rule, register_stream(Stream(..., mirror=...))')
    return stream


def mirror_stream(name: str, values: Tensor, flip: list) -> Tensor:
    """Values of a stream in the mirrored scene.

    Args:
        flip: permutation that swaps left and right joints.

    Raises:
        ValueError: the mirror image of the stream is not known, or it has another number of joints.
    """
    stream = require_mirror(name)
    if 'J' in stream.shape and values.shape[stream.shape.index('J')] != len(flip):
        raise ValueError(f'the skeleton swaps {len(flip)} joints, the stream {name!r} has '
                         f'{values.shape[stream.shape.index("J")]}')
    return stream.mirror(values, flip)  # type: ignore[misc]


def keep(values: Tensor, flip: list) -> Tensor:
    """Mirror rule of what has no sides."""
    return values


def swap_joints(values: Tensor, flip: list) -> Tensor:
    """Mirror rule of ``(B,T,J,...)`` without a place: left and right change."""
    return values[:, :, flip]


def mirror_points(points: Tensor, flip: list) -> Tensor:
    """Mirror rule of points ``(B,T,J,D)``: x, the first number, is negated, left and right joints change."""
    points = points[:, :, flip]
    return torch.cat([-points[..., :1], points[..., 1:]], -1)


def mirror_columns(images: Tensor, flip: list) -> Tensor:
    """Mirror rule of pictures ``(...,H,W)``."""
    return images.flip(-1)


def mirror_directions(directions: Tensor, flip: list) -> Tensor:
    """Mirror rule of directions ``(B,T,3)`` in axes of the head: y, to the left, is negated."""
    return directions * directions.new_tensor([1, -1, 1])


def mirror_hands(places: Tensor, flip: list) -> Tensor:
    """Mirror rule of places of both hands ``(B,T,2,3)``: left and right change, and y, to the left, is negated."""
    return places.flip(2) * places.new_tensor([1, -1, 1])


# A drawing of nothing: black, standardised with the statistics of ImageNet, (3,1,1).
BLACK = (((-2.1179039478302,),), ((-2.0357141494750977,),), ((-1.804444432258606,),))

for _stream in (
        # False where a frame is none of the sequence, or cannot be read
        Stream('valid', ('B', 'T'), mirror=keep),
        # features of the head track, see HeadPoseFeatures
        Stream('head_pose', ('B', 'T', 'F')),
        # left and right, metres in the heading frame of the newest head (x forward, y left, z up), see WristPlaces
        Stream('wrists', ('B', 'T', 2, 3), 'wrists_detected', mirror_hands),
        Stream('wrists_detected', ('B', 'T', 2), mirror=lambda detected, flip: detected.flip(2)),
        # what the wearer sees, upright, standardised as an image; see FrameViews
        Stream('view', ('B', 'T', 3, 'H', 'W'), 'view_valid', mirror_columns, BLACK),
        Stream('view_valid', ('B', 'T'), mirror=keep),
        # of these pictures, or of depth maps, by a network that was trained before; see FrameFeatures
        Stream('view_features', ('B', 'T', 'F'), 'view_features_valid'),
        Stream('view_features_valid', ('B', 'T'), mirror=keep),
        Stream('depth_features', ('B', 'T', 'F'), 'depth_features_valid'),
        Stream('depth_features_valid', ('B', 'T'), mirror=keep),
        # acceleration and turn rate in the axes of a sensor, several readings in a row; see InertialReadings
        Stream('imu', ('B', 'T', 'F'), 'imu_valid'),
        Stream('imu_valid', ('B', 'T'), mirror=keep),
        # where the wearer looks, a unit vector (x forward, y left, z up); see GazeDirections
        Stream('gaze', ('B', 'T', 3), 'gaze_valid', mirror_directions),
        Stream('gaze_valid', ('B', 'T'), mirror=keep),
        # x, y and perhaps the confidence, about the centre of the image
        Stream('keypoints', ('B', 'T', 'J', 'D'), 'detected', mirror_points),
        Stream('detected', ('B', 'T', 'J'), mirror=swap_joints),
        # a crop, standardised with the statistics of ImageNet
        Stream('image', ('B', 'T', 3, 'H', 'W'), 'image_valid', mirror_columns),
        Stream('image_valid', ('B', 'T'), mirror=keep),
        # a 2D pose as a drawing, whose colours tell left from right, as heatmaps, or in crop units with its confidence
        Stream('pose_image', ('B', 'T', 3, 'H', 'W'), 'pose_detected', blank=BLACK),
        Stream('pose_heatmap', ('B', 'T', 'J', 'h', 'w'), 'pose_detected',
               lambda maps, flip: mirror_columns(swap_joints(maps, flip), flip)),
        Stream('pose_array', ('B', 'T', 'J', 3), 'pose_detected', mirror_points),
        Stream('pose_detected', ('B', 'T'), mirror=keep)):
    register_stream(_stream)
