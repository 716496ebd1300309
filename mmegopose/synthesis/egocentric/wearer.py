"""A person with a headset: trunk, head and legs move as in real motion, the arms work in front of the camera."""
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from ...body_models import SkinnedModel, read_body_model
from ...datasets.mocap_sequences import MocapSequence
from ...datasets.random import KeyedRandom
from ...geometry.rotations import so3_exp
from ...structures import get_skeleton
from ..colors import skin_color
from ..figure_motion import PARENTS, SMPL, SOURCE, Y_UP, body_rotations, swing_joint
from ..figures import Body, Hand
from ..moving_random import MovingRandom
from .reaching import bent_arm, wrist_places
from .surface import Surface

SIDES = ('right', 'left')
_CAMERA_OF_HEAD = torch.diag(torch.tensor([-1., -1, 1], dtype=torch.float64))  # SMPL: x left, y up, z front
_EYES = [get_skeleton('coco17').index(f'{side}-eye') for side in SIDES]
_CUFF = 0.02  # metres of the hand's surface inside of the forearm's
_WRISTS = [get_skeleton('coco17').index(f'{side}-wrist') for side in SIDES]


@dataclass
class WornMotion:
    """What a person with a headset does for T frames; metres, world z up, floor at z = 0.

    Attributes:
        joints: ``(T,17,3)`` of COCO.
        hands: ``(T,2,21,3)`` joints of right and left hand.
        T_world_camera: ``(T,4,4)`` camera between the eyes: x right, y down, z forward.
        vertices: ``(T,V,3)`` of the surface, without head.
    """
    joints: np.ndarray
    hands: np.ndarray
    T_world_camera: np.ndarray
    vertices: np.ndarray


class Wearer:
    """A body and two hands of the open models, of one shape and one dress.

    Args:
        seed: of shape, dress and of what the arms do.

    Attributes:
        surface: of :attr:`WornMotion.vertices`; the arms are round.
    """

    def __init__(self, seed: int):
        self.seed = seed
        self.body, self.hand = Body(read_body_model('open_body')), Hand(read_body_model('open_hand'))
        self.coco = SkinnedModel('open_body', 'coco17').double()
        rng = np.random.default_rng(seed)
        self.betas = torch.from_numpy(rng.normal(0, 0.7, (1, self.coco.num_betas)))
        self.ends = ends = [np.isin(self.body.part, [SMPL[f'{side}-wrist'], SMPL[f'{side}-hand']]) for side in SIDES]
        tone = skin_color(rng)
        dress, skin = self.body.colors(rng, tone), self.hand.colors(rng, tone)
        part = self.body.part[self.body.faces]
        shown = ~(np.isin(part, [SMPL['head'], SMPL['neck']]).any(1) | (ends[0] | ends[1])[self.body.faces].all(1))
        arms = np.isin(part, [SMPL[f'{side}-{name}'] for side in SIDES for name in ('shoulder', 'elbow')]).any(1)
        right, left = (self.hand.faces + len(self.body.template) + side * len(self.hand.template) for side in (0, 1))
        faces = np.concatenate([self.body.faces[shown], right, left[:, ::-1]])  # the left one is mirrored
        rounded = np.concatenate([np.asarray(arms)[shown], np.zeros(len(right) + len(left), bool)])
        self.surface = Surface(faces, np.concatenate([dress, skin, skin]), rounded)

    def move(self, motion: MocapSequence) -> WornMotion:
        """Move as ``motion``, whose arms are replaced."""
        rest = torch.as_tensor(self.body.model.rest) + self.betas @ torch.as_tensor(self.body.model.rest_basis)
        rest = rest.unflatten(1, (-1, 3))[0]                                                             # (24,3)
        source = torch.from_numpy(motion.joints_h36m.astype(float))
        local = body_rotations(source, rest)                                                             # (T,24,3,3)
        local[:, 0] = torch.eye(3, dtype=torch.float64)[Y_UP].T @ local[:, 0]                            # z up
        camera = torch.from_numpy(motion.head_pose[:, :3, :3].astype(float))
        _set_world(local, 'head', camera @ _CAMERA_OF_HEAD)
        moving = MovingRandom(KeyedRandom([0], self.seed), len(source))
        scale = _leg(rest, SMPL) / _leg(source, SOURCE).mean()
        root = scale * source[:, SOURCE['pelvis']] - rest[0]
        betas = self.betas.expand(len(local), -1)
        eyes = self.coco(local[:, :1], local[:, 1:], betas, root)['joints'][:, _EYES].mean(1)
        hands = self._reach(local, rest, root, camera, eyes, moving)
        posed = self.coco(local[:, :1], local[:, 1:], betas, root)
        joints, vertices = posed['joints'], posed['vertices']
        for end, wrist, (_, points) in zip(self.ends, _WRISTS, hands):
            joints[:, wrist] = points[:, 0]
            vertices[:, end] = points[:, :1]  # the forearm closes inside of the hand
        vertices = torch.cat([vertices, *(surface for surface, _ in hands)], 1)
        floor = vertices[..., 2].min()
        low = vertices.new_tensor([0, 0, floor])
        pose = torch.eye(4, dtype=torch.float64).repeat(len(source), 1, 1)
        pose[:, :3, :3], pose[:, :3, 3] = camera, eyes - low
        hands = torch.stack([points for _, points in hands], 1)
        return WornMotion(*(part.numpy() for part in (joints - low, hands - low, pose, vertices - low)))

    def _reach(self, local: Tensor, rest: Tensor, root: Tensor, camera: Tensor, eyes: Tensor, moving: MovingRandom):
        """Set the rotations of the arms in ``local``; surface ``(T,V,3)`` and joints ``(T,21,3)`` of each hand."""
        places = wrist_places(moving)[0]                                                                 # (T,2,3)
        fingers = self.hand.fingers(moving)[0], self.hand.fingers(moving)[0]
        tilt = 0.25 * moving.normal(2, 3)[0]
        world, at = _chain(local, rest, root)
        chest = world[:, SMPL['spine-3']]
        hands = []
        for side, name in enumerate(SIDES):
            out = -1.0 if name == 'right' else 1.0
            shoulder, elbow, wrist = (SMPL[f'{name}-{joint}'] for joint in ('shoulder', 'elbow', 'wrist'))
            upper, fore = rest[elbow] - rest[shoulder], rest[wrist] - rest[elbow]
            target = eyes + (camera @ places[:, 1 - side, :, None]).squeeze(-1)
            pole = (chest @ rest.new_tensor([0.6 * out, -1, -0.2])[:, None]).squeeze(-1)
            bend, end = bent_arm(at[:, shoulder], target, float(upper.norm()), float(fore.norm()), pole)
            turned = swing_joint(chest, upper, bend - at[:, shoulder])
            _set_world(local, f'{name}-shoulder', turned)
            _set_world(local, f'{name}-elbow', swing_joint(turned, fore, end - bend))
            for joint in ('wrist', 'hand'):
                local[:, SMPL[f'{name}-{joint}']] = torch.eye(3, dtype=torch.float64)
            # Palms look down and to each other.
            palm = (camera @ rest.new_tensor([0.8 * out, 1.0, 0])[:, None]).squeeze(-1)
            along = normalize(end - bend, dim=-1)
            hands.append(self._hand(end - _CUFF * along, along, palm, fingers[side], tilt[:, side], name == 'left'))
        return hands

    def _hand(self, wrist: Tensor, along: Tensor, palm: Tensor, fingers: Tensor, tilt: Tensor, mirrored: bool):
        """Surface and joints of a hand at ``wrist (T,3)``, its fingers ``along (T,3)``, its palm to ``palm``."""
        x = -normalize(along, dim=-1)
        y = -normalize(palm - (palm * x).sum(-1, keepdim=True) * x, dim=-1)
        frame = torch.stack([x, y, torch.linalg.cross(x, y)], -1) @ so3_exp(tilt)
        identity = torch.eye(3, dtype=torch.float64).expand(len(wrist), 1, 3, 3)
        posed = self.hand.model(identity, fingers, torch.zeros(len(wrist), self.hand.model.num_betas))
        mirror = wrist.new_tensor([1, 1, -1 if mirrored else 1])
        start = posed['joints'][:, :1]
        return tuple(((posed[key] - start) * mirror) @ frame.mT + wrist[:, None] for key in ('vertices', 'joints'))


def _chain(local: Tensor, rest: Tensor, root: Tensor) -> tuple[Tensor, Tensor]:
    """Rotations ``(T,24,3,3)`` and places ``(T,24,3)`` in the world."""
    world, at = [local[:, 0]], [root + rest[0]]
    for joint in range(1, len(rest)):
        parent = PARENTS[joint]
        at.append(at[parent] + (world[parent] @ (rest[joint] - rest[parent])))
        world.append(world[parent] @ local[:, joint])
    return torch.stack(world, 1), torch.stack(at, 1)


def _set_world(local: Tensor, name: str, rotation: Tensor) -> None:
    """Change a joint of ``local (T,24,3,3)`` so that it has ``rotation (T,3,3)`` in the world."""
    joint = PARENTS[SMPL[name]]
    above = local[:, joint]
    while joint:
        joint = PARENTS[joint]
        above = local[:, joint] @ above
    local[:, SMPL[name]] = above.mT @ rotation


def _leg(joints: Tensor, numbers: dict) -> Tensor:
    hip, knee, ankle = (joints[..., numbers[f'left-{name}'], :] for name in ('hip', 'knee', 'ankle'))
    return (knee - hip).norm(dim=-1) + (ankle - knee).norm(dim=-1)
