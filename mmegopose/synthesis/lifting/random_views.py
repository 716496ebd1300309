"""Motion capture seen by random cameras, drawn anew for each window and epoch."""
import numpy as np
import torch

from ...datasets.mocap_sequences import FPS
from ...datasets.random import KeyedRandom, check_shares
from ...datasets.store import Field, SequenceStore
from ...datasets.window_dataset import WindowDataset
from ...geometry.cameras import perspective, world_to_camera
from ...geometry.rigid import make_rigid
from ...geometry.rotations import so3_exp
from ...registry import DATASETS, READERS, TRANSFORMS
from ...structures import convert_joints, get_skeleton
from ...structures.protocols import get_protocol
from .views import load_motions

MIN_DISTANCE_M = 0.5  # of a camera from the nearest joint
ASPECTS = (9 / 16, 3 / 4, 1.0, 4 / 3, 16 / 9)  # height by width of images


@READERS.register_module('mocap_bodies')
def read_mocap_bodies(data_root: str = 'sample', split: str = 'train') -> SequenceStore:
    """Motion capture in the world, for :class:`RandomView`.

    Arguments and errors: see :func:`.read_mocap_views`.
    """
    bodies = [(dict(uid=motion.name, name=motion.name, subject=motion.subject, action=motion.action, fps=FPS),
               dict(world_joints=motion.joints_h36m.astype(np.float32), coco_joints=motion.joints.astype(np.float32)))
              for motion in load_motions(data_root, split)]
    schema = dict(world_joints=Field('float32', (17, 3), 'metres, world; joints of Human3.6M'),
                  coco_joints=Field('float32', (17, 3), 'metres, world; joints of COCO, NaN where missing'))
    info = dict(dataset_name='mocap bodies', split=split, skeleton='h36m17')
    return SequenceStore.join(bodies, info=info, schema=schema)


@TRANSFORMS.register_module()
class RandomView:
    """First step of a pipeline for lifting: bodies in the world, seen by a pinhole of its own in each window.

    It adds what :class:`.ReadKeypoints` adds: ``keypoints (B,T,J,3)``, screen-normalised, with a confidence of 1,
    ``joints (B,T,J,3)`` metres in camera axes relative to the root, and ``visible``, ``detected (B,T,J)``. Joints
    outside of the image are not detected.

    Args:
        focal: range of the focal length, image widths, drawn evenly over its logarithm.
        height: range of the height of a person of 1.7 m in the middle of the window, image heights.
        elevation: mean and standard deviation of the angle at which the camera looks down, degrees.
        roll: standard deviation of the turn about the optical axis, degrees.
        off_centre: largest distance of the person from the middle of the image, half image sizes.
        body_scale: range of a factor of the size of the body.
        mirror: share of windows that are mirrored.
        coco: share of windows whose keypoints are made of the joints of COCO by the rules of
            ``structures.conversion``, as those of most detectors are.
    """

    def __init__(self, focal: tuple = (0.6, 2.2), height: tuple = (0.3, 1.0), elevation: tuple = (8.0, 12.0),
                 roll: float = 4.0, off_centre: float = 0.6, body_scale: tuple = (0.9, 1.1), mirror: float = 0.5,
                 coco: float = 0.5):
        check_shares(mirror=mirror, coco=coco)
        self.focal, self.height, self.elevation, self.roll = focal, height, elevation, roll
        self.off_centre, self.body_scale, self.mirror, self.coco = off_centre, body_scale, mirror, coco
        self.flips = {name: list(get_skeleton(name).flip) for name in ('h36m17', 'coco17')}

    def bind(self, store: SequenceStore) -> None:
        """Check the store."""
        for name in ('world_joints', 'coco_joints'):
            if name not in store.frames:
                raise ValueError(f"{store.title} should have the field {name!r}, which the reader 'mocap_bodies' gives")

    def __call__(self, batch: dict) -> dict:
        random = batch['random']
        mirrored = (random.uniform(1, 1, 1) < self.mirror)  # (B,1,1,1)
        scale = random.uniform(1, 1, 1, low=self.body_scale[0], high=self.body_scale[1])
        body, coco = (scale * self._mirrored(batch, field, name, mirrored)
                      for field, name in (('world_joints', 'h36m17'), ('coco_joints', 'coco17')))  # (B,T,J,3)
        camera, focal, aspect = self._cameras(random, body)
        joints = world_to_camera(body, camera)
        other = world_to_camera(convert_joints(coco, 'coco17', 'h36m17'), camera)
        known = (random.uniform(1, 1) < self.coco) & other.isfinite().all(-1)  # (B,T,J)
        points = perspective(torch.where(known[..., None], other, joints), focal)
        inside = (points[..., 0].abs() <= 1) & (points[..., 1].abs() <= aspect)
        keypoints = torch.nn.functional.pad(points, (0, 1), value=1.0).masked_fill(~inside[..., None], 0)
        joints = joints - joints[:, :, :1]
        return batch | dict(keypoints=keypoints.float(), detected=inside, joints=joints.float(),
                            visible=batch['valid'][..., None] & joints.isfinite().all(-1))

    def _mirrored(self, batch: dict, field: str, skeleton: str, mirrored: torch.Tensor) -> torch.Tensor:
        points = torch.from_numpy(np.take(batch['store'].frames[field], batch['rows'], axis=0)).double()
        return torch.where(mirrored, points[:, :, self.flips[skeleton]] * points.new_tensor([-1, 1, 1]), points)

    def _cameras(self, random: KeyedRandom, body: torch.Tensor) -> tuple:
        """Poses ``(B,1,4,4)``, focal lengths ``(B,1,1,1)`` and heights of images ``(B,1,1)``, half image widths."""
        focal = 2 * random.uniform(low=np.log(self.focal[0]), high=np.log(self.focal[1])).exp()  # (B,)
        aspect = body.new_tensor(ASPECTS)[(random.uniform() * len(ASPECTS)).long()]
        height = random.uniform(low=self.height[0], high=self.height[1]) * 2 * aspect
        center = body[:, body.shape[1] // 2].mean(1)  # (B,3)
        reach = (body - center[:, None, None]).norm(dim=-1).amax((1, 2))
        distance = torch.maximum(focal * 1.7 / height, reach + MIN_DISTANCE_M)
        down = torch.deg2rad(self.elevation[0] + self.elevation[1] * random.normal()).clamp(-1.2, 1.2)
        around = random.uniform(high=2 * torch.pi)
        forward = torch.stack([down.cos() * around.cos(), down.cos() * around.sin(), -down.sin()], -1)
        right = torch.stack([around.sin(), -around.cos(), torch.zeros_like(around)], -1)
        look = torch.stack([right, torch.linalg.cross(forward, right), forward], -1)  # (B,3,3)
        place = random.uniform(2, low=-self.off_centre, high=self.off_centre)  # (B,2) x, y
        turn = torch.stack([torch.atan(place[:, 1] * aspect / focal), torch.atan(-place[:, 0] / focal),
                            np.deg2rad(self.roll) * random.normal()], -1)
        pose = make_rigid(look @ so3_exp(turn), center - distance[:, None] * forward)
        return pose[:, None], focal[:, None, None, None], aspect[:, None, None]


@DATASETS.register_module()
class RandomViewDataset(WindowDataset):
    """Lifting of motion capture that random cameras and detectors see, for models of any camera.

    Args:
        data_root, split: see :func:`read_mocap_bodies`.
        protocol: of the windows, see :class:`.LiftingDataset`.
        num_frames: frames in a window, T.
        window_stride: frames from one window to the next; None: the protocol's.
        view: options of :class:`RandomView`.
        errors: options of :class:`.DetectorErrors`; False: exact keypoints.
        test_mode, seed: see :class:`WindowDataset`.
    """

    skeleton = 'h36m17'

    def __init__(self, data_root: str = 'sample', split: str = 'train', *, protocol: str = 'overlap',
                 num_frames: int = 27, window_stride: int | None = None, view: dict | None = None,
                 errors: dict | bool | None = None, test_mode: bool = False, seed: int = 0):
        pipeline = [dict(view or {}, type='RandomView')]
        if errors is not False:
            pipeline.append(dict(errors or {}, type='DetectorErrors'))
        pipeline.append(dict(type='PackInputs', padding_mask=True, streams=('keypoints', 'detected')))
        windows = dict(get_protocol(protocol).windows, num_frames=num_frames,
                       **{} if window_stride is None else dict(window_stride=window_stride))
        super().__init__(dict(type='mocap_bodies', data_root=data_root, split=split), windows, pipeline,
                         test_mode=test_mode, seed=seed)
