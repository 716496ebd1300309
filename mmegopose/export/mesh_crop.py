"""Hands and bodies: a crop of a picture in, joints and vertices in the camera of the picture out."""
import numpy as np
import torch
from torch import Tensor

from ..datasets.transforms.draw_pose import POSE_STREAMS, pose_array
from ..geometry.crops import CROP_SIZE, IMAGE_MEAN, IMAGE_STD, camera_in_image, crop_image, expand_to_aspect
from ..geometry.root_translation import MIN_DEPTH, PASSES
from ..inference import MeshInferencer
from ..inference.meshes.full_camera import image_camera
from ..inference.tracking import PersonTrack
from ..rendering.skeleton_images import MIN_CONFIDENCE, draw_heatmaps, draw_skeletons
from ..structures import get_skeleton
from .ported_module import Port, PortedModule

MAX_CONDITION = 1e8  # of the equations for the place, as in root_translation
SIZE = (320, 240)    # of pictures to compare with


class MeshCrop(PortedModule):
    """One hand or person in a crop: what :class:`.MeshInferencer` does after it has cut the crop out.

    The crop is cut by the user, with what the device has for pictures; left hands are mirrored in it.

    Args:
        inferencer: a trained model of single pictures.

    Raises:
        ValueError: a model of several frames.
    """

    def __init__(self, inferencer: MeshInferencer):
        super().__init__()
        self.inferencer, self.model, self.kind = inferencer, inferencer.model, inferencer.kind
        options = inferencer.options
        if options.get('num_frames', 1) != 1:
            raise ValueError(f'the model reads windows of {options["num_frames"]} pictures; only models of single '
                             'pictures can be exported')
        self.crop = dict(rescale=2.0, aspect=None, size=CROP_SIZE, width=192, antialias=False) | dict(
            options.get('crop') or {})
        self.side, margin = self.crop['size'], (self.crop['size'] - self.crop['width']) // 2
        self.columns = slice(margin, margin + self.crop['width'])
        form, self.heatmap_size = options.get('pose_form', 'image'), options.get('heatmap_size', 64)
        read = self.model.streams
        self.sees_image = read is None or 'image' in read
        self.form = form if form is not None and (read is None or POSE_STREAMS[form] in read) else None
        self.points = get_skeleton('hand21' if self.kind == 'hand' else 'smpl24')
        mean, std = (255 * torch.tensor(values)[:, None, None] for values in (IMAGE_MEAN, IMAGE_STD))
        self.register_buffer('image_mean', mean, persistent=False)
        self.register_buffer('image_std', std, persistent=False)
        self.ports_in, self.ports_out = self._ports()

    def _ports(self) -> tuple[dict, dict]:
        square = ('B', self.side, self.side, 3)
        ports_in = dict(
            box=Port(('B', 3), 'centre x, y and side of the square that the crop shows, pixels of the picture'),
            camera=Port(('B', 4), 'fx, fy, cx, cy of the picture, pixels'))
        if self.kind == 'hand':
            ports_in['right'] = Port(('B',), 'a right hand; the crop of a left one is mirrored', torch.bool)
        if self.sees_image:
            ports_in['image'] = Port(square, 'the crop, RGB', torch.uint8)
        if self.form == 'image':
            ports_in |= dict(pose_image=Port(square, 'the 2D pose, drawn as draw_skeletons does, RGB on black',
                                             torch.uint8),
                             pose_detected=Port(('B',), 'there is a 2D pose', torch.bool))
        elif self.form is not None:
            ports_in['keypoints'] = Port(('B', self.points.num_joints, 3), '2D pose: x, y in pixels of the picture, '
                                         'and confidence; 0: not there')
        body = next(part for part in self.model.modules() if hasattr(part, 'faces'))
        count, vertices = len(get_skeleton(self.inferencer.skeleton).joints), len(body.template) // 3
        where = 'metres, axes of the camera: x right, y down, z forward'
        ports_out = dict(
            joints=Port(('B', count, 3), where), vertices=Port(('B', vertices, 3), where),
            translation=Port(('B', 3), f'of the body model, {where}'),
            keypoints_2d=Port(('B', count, 2), 'the joints in the picture, pixels'))
        return ports_in, ports_out

    def forward(self, *values: Tensor) -> tuple[Tensor, ...]:
        """Inputs in the order of ``ports_in`` to outputs in that of ``ports_out``."""
        given = dict(zip(self.ports_in, values))
        sign = torch.where(given['right'], 1.0, -1.0) if 'right' in given else torch.ones_like(given['box'][:, 0])
        outputs = self.model.predicted(self._streams(given, sign))
        crop = {name: outputs[name][:, 0].float() for name in ('joints', 'vertices', 'keypoints', 'camera')}
        count = self.ports_out['joints'].shape[1]
        return placed_in_picture(crop, sign, given['camera'], given['box'], count)

    def _streams(self, given: dict, sign: Tensor) -> dict:
        streams = dict(valid=torch.ones_like(sign, dtype=torch.bool)[:, None])           # (B,1)
        if 'image' in given:
            streams['image'] = self._network_image(given['image'])
        if self.form == 'image':
            streams |= dict(pose_image=self._network_image(given['pose_image']),
                            pose_detected=given['pose_detected'][:, None])
        elif self.form is not None:
            box = given['box'][:, None]                                                  # (B,1,3)
            points = (given['keypoints'][..., :2] - box[..., :2]) / box[..., 2:]         # crop units
            points = torch.stack([points[..., 0] * sign[:, None], points[..., 1]], -1)
            confidence = given['keypoints'][..., 2]
            draw = self._heatmaps if self.form == 'heatmap' else pose_array
            streams |= {POSE_STREAMS[self.form]: draw(points, confidence)[:, None],
                        'pose_detected': (confidence >= MIN_CONFIDENCE).any(-1)[:, None]}
        return streams

    def _network_image(self, square: Tensor) -> Tensor:
        """``(B,S,S,3)`` uint8 to ``(B,1,3,H,W)`` as :func:`.normalize_image`."""
        columns = square[:, :, self.columns].permute(0, 3, 1, 2).float()
        return ((columns - self.image_mean) / self.image_std)[:, None]

    def _heatmaps(self, points: Tensor, confidence: Tensor) -> Tensor:
        """As :class:`.DrawPose`."""
        scale = self.heatmap_size / self.side
        maps = draw_heatmaps((points + 0.5) * self.side, confidence, (self.heatmap_size, self.heatmap_size), self.side)
        return maps[..., round(self.columns.start * scale):round(self.columns.stop * scale)]

    def facts(self) -> dict:
        return dict(family='mesh', kind=self.kind, crop=self.crop, body_model=self.inferencer.body_model,
                    pose_form=self.form or 'none', pose_skeleton=self.points.name, pose_names=list(self.points.joints))

    def example(self, batch_size: int = 2) -> tuple[Tensor, ...]:
        people = [self._person(number) for number in range(batch_size)]
        return tuple(torch.from_numpy(np.stack([inputs[name] for inputs, _ in people])) for name in self.ports_in)

    def difference(self, run) -> float:
        """Over pictures of noise with left and right hands, one and several at a time, with and without a lens."""
        people = [self._person(number) for number in range(4)]
        found = [0.0]
        for chosen in (people[:1], people[1:]):
            outputs = run({name: np.stack([inputs[name] for inputs, _ in chosen]) for name in self.ports_in})
            for number, (_, told) in enumerate(chosen):
                motion, = self.inferencer(**told)
                for name, expected in (('joints', motion.joints), ('vertices', motion.mesh.vertices)):
                    found.append(float(np.abs(expected[0] - outputs[name][number]).max()))
        return float(np.max(found))  # NaN, if there is one

    def _person(self, number: int) -> tuple[dict, dict]:
        """Inputs ``{name: (...)}`` of somebody in a picture of noise, and what the inferencer is told."""
        random = np.random.default_rng(number)
        picture = random.integers(0, 256, (SIZE[1], SIZE[0], 3), np.uint8)
        corner, right = random.uniform((40, 30), (120, 80)), number % 2 == 0 or self.kind == 'body'
        count = self.points.num_joints
        keypoints = (corner + random.uniform(0, (90, 110), (1, count, 2))).astype(np.float32)
        confidence = np.where(random.random((1, count)) < 0.2, 0, 0.9).astype(np.float32)
        confidence[:, :2] = 0.9
        box = np.concatenate([keypoints.min((0, 1)), keypoints.max((0, 1))])
        track = PersonTrack('0', np.zeros(1, np.int64), keypoints, confidence, confidence > 0,
                            np.zeros((1, count), bool), box[None], np.ones(1, bool), self.points.name, SIZE)
        field_of_view = None if number % 3 == 2 else 60.0
        told = dict(images=picture, poses=[track], right=right, field_of_view=field_of_view)
        center = (box[:2] + box[2:]) / 2
        extent = box[2:] - box[:2] if self.crop['aspect'] is None else expand_to_aspect(box[2:] - box[:2],
                                                                                        self.crop['aspect'])
        size = np.float32(extent.max() * self.crop['rescale'])
        square, _ = crop_image(picture, center, float(size), self.side, flip=not right,
                               antialias=self.crop['antialias'])
        inputs = dict(image=square, box=np.array([*center, size], np.float32), right=np.array(right),
                      camera=image_camera(SIZE, field_of_view).astype(np.float32), pose_detected=np.array(True),
                      keypoints=np.concatenate([keypoints, confidence[..., None]], -1)[0])
        if self.form == 'image':
            places = (keypoints - center) / size * (1 if right else -1, 1)
            inputs['pose_image'] = draw_skeletons((places + 0.5) * self.side, confidence, self.points.style,
                                                  self.side)[0]
        return inputs, told


def placed_in_picture(crop: dict, sign: Tensor, camera: Tensor, box: Tensor, count: int) -> tuple[Tensor, ...]:
    """What a model says of crops, in the camera of the picture: :func:`.place_in_image` for float32.

    The least squares of :func:`.root_translation` are solved about their means, which loses no digits where the lens is
    long.

    Args:
        crop: ``joints (B,J,3)``, ``vertices (B,V,3)``, ``keypoints (B,J,2)``, ``camera (B,3)``, see there.
        sign: ``(B,)`` 1, or -1 where the crop is mirrored.
        camera: ``(B,4)`` fx, fy, cx, cy.
        box: ``(B,3)`` centre and side.
        count: joints to give.

    Returns:
        ``joints (B,count,3)``, ``vertices (B,V,3)``, ``translation (B,3)``, and ``(B,count,2)`` pixels.
    """
    one = torch.ones_like(sign)
    joints, vertices = (crop[name] * torch.stack([sign, one, one], -1)[:, None] for name in ('joints', 'vertices'))
    points = crop['keypoints'] * torch.stack([sign, one], -1)[:, None]
    focal, center, size = camera[:, None, :2], camera[:, None, 2:], box[:, None, 2:]
    ahead = (box[:, None, :2] - center) / focal                                          # (B,1,2): ray of the box
    rays = points * size / focal                                                         # from there
    right = (ahead + rays) * joints[..., 2:] - joints[..., :2]
    weight, found, good = torch.ones_like(joints[..., :1]), torch.zeros_like(ahead[:, 0, :1]), None
    for _ in range(PASSES):
        total = weight.sum(1, keepdim=True)
        mean, mean_right = ((weight * value).sum(1, keepdim=True) / total for value in (rays, right))
        spread = (weight * (rays - mean).square()).sum((1, 2))
        depth = -(weight * (rays - mean) * (right - mean_right)).sum((1, 2)) / spread.clamp(min=1e-20)
        middle = (ahead + mean)[:, 0]
        found = torch.cat([mean_right[:, 0] + middle * depth[:, None], depth[:, None]], -1)
        condition = total[:, 0, 0] * (1 + middle.square().sum(-1)).square() / spread.clamp(min=1e-20)
        fits = (condition < MAX_CONDITION) & ((joints[..., 2] + depth[:, None]).amin(1) > MIN_DEPTH)
        good = fits if good is None else good & fits
        depths = torch.where(good[:, None], joints[..., 2] + depth[:, None], 1)
        weight = 1 / depths.square()[..., None]
    weak = torch.stack([crop['camera'][:, 0], crop['camera'][:, 1] * sign, crop['camera'][:, 2]], -1)
    weak = camera_in_image(weak, box[:, :2], box[:, 2], 2 * camera[:, 2:], camera[:, 0])
    weak = torch.cat([weak[:, :1], weak[:, 1:2] * (camera[:, :1] / camera[:, 1:2]), weak[:, 2:]], -1)
    translation = torch.where(good[:, None], found, weak)
    pixels = box[:, None, :2] + points * size
    return (joints[:, :count] + translation[:, None], vertices + translation[:, None], translation, pixels[:, :count])
