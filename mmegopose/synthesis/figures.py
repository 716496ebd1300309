"""What synthetic pictures show: a hand or a body that moves and has colours."""
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from ..body_models import BodyArrays, SkinnedModel, read_body_model
from ..datasets.random import KeyedRandom
from ..geometry.rotations import so3_exp
from ..structures import Skeleton, get_skeleton
from ..structures.skeletons.smpl24 import SMPL24
from .colors import random_colors, skin_color, texture
from .figure_motion import SampleMotion, body_rotations
from .moving_random import MovingRandom

_FINGERS = torch.tensor([[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12]])   # of MANO: index, middle, little, ring
_THUMB, _RING = (13, 14, 15), 10

# Ranges of the rotation vectors x, y, z of SMPL's joints, radians, from the A-pose of the open body: x left, y up,
# z front. Those of the right side are mirrored.
_BODY_RANGES = {
    'hip': ((-1.5, 0.4), (-0.4, 0.4), (-0.1, 0.5)), 'knee': ((0, 1.9), (0, 0), (0, 0)),
    'ankle': ((-0.4, 0.4), (-0.1, 0.1), (-0.2, 0.2)), 'foot': ((0, 0), (0, 0), (0, 0)),
    'spine': ((-0.1, 0.3), (-0.2, 0.2), (-0.12, 0.12)), 'neck': ((-0.3, 0.3), (-0.4, 0.4), (-0.2, 0.2)),
    'collar': ((-0.1, 0.1), (-0.15, 0.1), (-0.05, 0.2)), 'shoulder': ((-0.5, 0.5), (-1.1, 0.3), (-0.5, 1.5)),
    'elbow': ((-1.2, 0.3), (-1.1, 0.25), (0, 0)), 'wrist': ((-0.4, 0.4), (-0.3, 0.3), (-0.4, 0.4)),
    'hand': ((0, 0), (0, 0), (0, 0))}


class Figure:
    """What is drawn: a body model and how it moves and looks.

    Args:
        body: arrays of the model.

    Attributes:
        model: computes in float64, so that results do not depend on the size of the batch.
        skeleton: of the joints that the model reports.
        margin: range of the side of the crop, relative to the tight box around the joints.
    """
    joint_order: str
    skeleton: Skeleton
    margin: tuple

    def __init__(self, body: BodyArrays):
        self.model = SkinnedModel(body, self.joint_order).double()
        self.faces, self.template = np.asarray(body.f), np.asarray(body.v_template, np.float64)
        self.part = np.asarray(body.weights).argmax(1)  # (V,) joint that a vertex follows

    def pose(self, moving: MovingRandom, rotation: str) -> Tensor:
        """Rotations ``(B,T,K,3,3)`` of the model's joints, the root's to camera axes."""
        raise NotImplementedError

    def colors(self, rng: np.random.Generator, skin: np.ndarray | None = None) -> np.ndarray:
        """Colours ``(V,3)`` of the vertices in [0,255]; ``skin (3,)``: of this tone."""
        raise NotImplementedError


class Hand(Figure):
    """A right hand in the layout of MANO: at rest its fingers point to -x, its palm to -y."""
    joint_order, skeleton, margin = 'openpose', get_skeleton('hand21'), (1.6, 2.4)

    def pose(self, moving: MovingRandom, rotation: str) -> Tensor:
        """See :meth:`Figure.pose`.

        With ``rotation='full'`` every direction of the hand is as likely; with ``'limited'`` palm or back are within
        45 degrees of the camera and turned up to 70 degrees in the image, which small networks learn in minutes.
        """
        return torch.cat([self._orientation(moving, rotation)[:, :, None], self.fingers(moving)], 2)

    def _orientation(self, moving, rotation) -> Tensor:
        if rotation == 'full':
            return so3_exp(0.4 * moving.normal(3)) @ _random_rotation(moving.random)
        side = torch.where(moving.random.uniform(1) < 0.5, 90.0, -90.0)
        return (_about(2, moving.uniform(low=-70, high=70)) @ _about(1, moving.uniform(low=-45, high=45))
                @ _about(0, side + moving.uniform(low=-45, high=45)))

    def fingers(self, moving) -> Tensor:
        """``(B,T,15,3,3)``; half of the fingers follow the grip of the hand, the others curl on their own."""
        rest = self.model.rest.unflatten(0, (-1, 3))                                     # (16,3)
        curl = torch.where(moving.random.uniform(1, 4) < 0.5, moving.uniform(1, low=-0.15, high=1.4),
                           moving.uniform(4, low=-0.15, high=1.4))                       # (B,T,4)
        # The last joint of a finger bends about two thirds as far as the one before, as tendons make it.
        bend = curl[..., None] * torch.stack([moving.uniform(4, low=low, high=high) for low, high in
                                              ((0.6, 1.1), (0.8, 1.2), (0.5, 0.9))], -1)  # (B,T,4,3)
        bend[..., 1:].clamp_(min=-0.05)
        palm = rest.new_tensor([0, -1, 0])
        first, second = rest[_FINGERS[:, 0]], rest[_FINGERS[:, 1]]
        axes = normalize(torch.linalg.cross(second - first, palm.expand(4, 3)), dim=-1)  # (4,3)
        spread = 0.12 * (1 - curl / 2) * moving.normal(4)                                # (B,T,4)
        vectors = bend.new_zeros(*bend.shape[:2], 16, 3)
        vectors[:, :, _FINGERS] = bend[..., None] * axes[:, None]
        vectors[:, :, _FINGERS[:, 0]] += spread[..., None] * palm
        root, middle, last = _THUMB
        across = normalize(torch.linalg.cross(rest[last] - rest[middle], rest[_RING] - rest[last]), dim=-1)
        for joint, low, high in ((root, -0.2, 0.4), (middle, -0.1, 0.6), (last, -0.2, 0.9)):
            vectors[:, :, joint] = moving.uniform(1, low=low, high=high) * across
        vectors[:, :, root] += 0.2 * moving.normal(3)
        return so3_exp(vectors[:, :, 1:])

    def colors(self, rng: np.random.Generator, skin: np.ndarray | None = None) -> np.ndarray:
        """Skin of any tone, lighter in the palm."""
        palm = np.clip(-self._normals[:, 1:2], 0, 1)
        return (skin_color(rng) if skin is None else skin) * (1 + 0.2 * palm) * texture(rng, self.template)

    @cached_property
    def _normals(self) -> np.ndarray:
        """``(V,3)`` at rest."""
        corners = self.template[self.faces]
        faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        sums = np.zeros_like(self.template)
        np.add.at(sums, self.faces, faces[:, None])
        return sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)


class Body(Figure):
    """A body in the layout of SMPL: at rest its left points to x, its head to y, its front to z.

    Args:
        body: arrays of the model.
        motion: real motion; None: joints move at random.
    """
    joint_order, skeleton, margin = 'model', SMPL24, (1.2, 1.6)

    def __init__(self, body: BodyArrays, motion: SampleMotion | None = None):
        super().__init__(body)
        self.motion = motion

    def pose(self, moving: MovingRandom, rotation: str) -> Tensor:
        """See :meth:`Figure.pose`.

        With ``rotation='full'`` bodies are upright within 25 degrees and seen from anywhere around, with ``'limited'``
        within 10 degrees and from the front, up to 60 degrees to the side; real motion turns them further.
        """
        around, lean = (180, 25) if rotation == 'full' else (45, 10)
        yaw = moving.random.uniform(1, low=-around, high=around) + moving.uniform(low=-15, high=15)
        root = (_about(2, moving.uniform(low=-lean, high=lean)) @ _about(0, 180 + moving.uniform(low=-lean, high=lean))
                @ _about(1, yaw))
        if self.motion is not None:
            rotations = body_rotations(self.motion(moving.random.uniform()), self.model.rest.unflatten(0, (-1, 3)))
            return torch.cat([(root @ rotations[:, :, 0])[:, :, None], rotations[:, :, 1:]], 2)
        ranges = torch.tensor([_range(name) for name in SMPL24.joints[1:]], dtype=torch.float64)  # (23,3,2)
        low, high = ranges.unbind(-1)
        vectors = (low + (high - low) * moving.uniform(*low.shape)) * moving.random.uniform(1, 1, 1, low=0.2)
        right = torch.tensor([name.startswith('right') for name in SMPL24.joints[1:]])
        vectors = torch.where(right[:, None], vectors * vectors.new_tensor([1, -1, -1]), vectors)
        return torch.cat([root[:, :, None], so3_exp(vectors)], 2)

    def colors(self, rng: np.random.Generator, skin: np.ndarray | None = None) -> np.ndarray:
        """Skin, shirt, trousers, shoes and hair."""
        shirt, trousers, shoes, hair = (random_colors(rng) for _ in range(4))
        palette = np.tile(skin_color(rng) if skin is None else skin, (24, 1))
        palette[_parts('spine', 'collar', 'shoulder', *['elbow'] * int(rng.random() < 0.5))] = shirt
        palette[_parts('pelvis', 'hip', 'knee')] = trousers
        palette[_parts('ankle', 'foot')] = shoes
        colors = palette[self.part]
        head = self.part == SMPL24.index('head')
        low, high = self.template[head].min(0), self.template[head].max(0)
        place = (self.template - low) / (high - low)
        # Above the forehead, and down to the neck behind.
        colors[head & (place[:, 1] - 0.6 * place[:, 2] > 0.35)] = 0.5 * hair
        return colors * texture(rng, self.template)


def make_figure(source: str | Path, motion: SampleMotion | None = None) -> Figure:
    """The figure of a body model's name or file, which moves at random or by real motion.

    Raises ``ValueError`` unless it has the joints of MANO or of SMPL, and for a hand with real motion.
    """
    body = read_body_model(source)
    kinds = {16: Hand, 24: Body}
    if len(body.J_regressor) not in kinds:
        raise ValueError(f'{body.source} has {len(body.J_regressor)} joints; synthetic pictures need the 16 of MANO or '
                         'the 24 of SMPL')
    kind = kinds[len(body.J_regressor)]
    if motion is None:
        return kind(body)
    if kind is Hand:
        raise ValueError(f"{body.source} is a hand, but the embedded motion is of bodies; use motion='random'")
    return Body(body, motion)


def _parts(*parts: str) -> list[int]:
    return [i for i, name in enumerate(SMPL24.joints) if any(part in name for part in parts)]


def _range(joint: str) -> tuple:
    return next((value for part, value in _BODY_RANGES.items() if part in joint), _BODY_RANGES['neck'])


def _about(axis: int, degrees: Tensor) -> Tensor:
    """Rotations ``(...,3,3)`` about a coordinate axis."""
    return so3_exp(torch.deg2rad(degrees)[..., None] * torch.eye(3, dtype=degrees.dtype)[axis])


def _random_rotation(random: KeyedRandom) -> Tensor:
    """Uniform rotations ``(B,1,3,3)`` (Shoemake 1992)."""
    quaternion = normalize(random.normal(1, 4), dim=-1)
    vector, scalar = quaternion[..., 1:], quaternion[..., :1]
    length = vector.norm(dim=-1, keepdim=True)
    return so3_exp(2 * torch.atan2(length, scalar) * vector / length)
