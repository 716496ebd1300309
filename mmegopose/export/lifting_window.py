"""2D keypoints of a window of frames in, 3D poses out."""
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from ..inference import LiftingInferencer
from ..inference.inputs.poses_2d.pixel_checks import FAR
from ..inference.lifting_inferencer import MIN_SHARE
from ..inference.tracking import FILLED_CONFIDENCE
from ..models.branch import NeckAndHead
from ..registry import TRANSFORMS
from ..structures import convert_joints, get_skeleton
from .ported_module import Port, PortedModule

MAX_HOLE = 0.25  # seconds, as of track_people
IMAGE = (1280, 720)


class LiftingWindow(PortedModule):
    """One window of one person: what :class:`.LiftingInferencer` does with a recording of so many frames.

    Joints that are not there are filled in over short holes and held over long ones, converted to the skeleton of the
    model and brought to the units of the screen. Where the method takes windows of any number of frames, T is free.

    Args:
        inferencer: a trained model.
        skeleton: of the keypoints that will come in; default: that of the model.
        fps: frames per second, which decides how long a short hole is.
        flip: also predict the mirror image and average, where the model was made for it; None: as the inferencer does.

    Raises:
        ValueError: a model that does not predict every frame of a window, or has no rule for mirror images.
    """

    def __init__(self, inferencer: LiftingInferencer, *, skeleton: str | None = None, fps: float = 30.0,
                 flip: bool | None = None):
        super().__init__()
        if flip and inferencer.model.flip is None:
            raise ValueError('the config of the model has no test_cfg=dict(flip=...), so its mirror image is not known')
        if flip is False:
            inferencer.model.flip = None
        if not (fps > 0 and np.isfinite(fps)):
            raise ValueError(f'fps={fps} should be positive')
        data = inferencer.dataset
        self.inferencer, self.model = inferencer, inferencer.model
        self.source, self.fps = skeleton or inferencer.skeleton, float(fps)
        self.longest_hole, self.num_frames = round(MAX_HOLE * fps), data.get('num_frames', 243)
        self.confidence, self.padding_mask = data.get('confidence', False), data.get('padding_mask', False)
        self.masked = all(part.neck_accepts_mask for part in self.model.modules()
                          if isinstance(part, NeckAndHead) and part.neck is not None)
        self.transforms = [TRANSFORMS.build(config) for config in data.get('pipeline', ())]
        self.root = get_skeleton(inferencer.skeleton).root or 0
        source, joints = get_skeleton(self.source).num_joints, get_skeleton(inferencer.skeleton).num_joints
        shares = convert_joints(np.eye(source), self.source, inferencer.skeleton)        # (Jt,Js)
        self.register_buffer('shares', torch.tensor(shares, dtype=torch.float32), persistent=False)
        frames = 'T' if self._any_length(source) else self.num_frames
        self.ports_in = dict(
            keypoints=Port(('B', frames, source, 3), 'x, y in pixels from the upper left corner, and confidence; '
                           'NaN or confidence 0: the joint is not there'),
            image_size=Port(('B', 2), 'width and height of the images, pixels'))
        self.ports_out = dict(
            joints=Port(('B', frames, joints, 3), 'relative to the root joint, metres, camera axes: x right, y down, '
                        'z forward'),
            valid=Port(('B', frames), 'a quarter of the joints at least is there; elsewhere the pose means nothing',
                       torch.bool))

    def _any_length(self, num_keypoints: int) -> bool:
        """Whether the model takes windows of other sizes, and predicts every frame of a window."""
        def predict(num_frames: int) -> int:
            points = torch.rand(1, num_frames, num_keypoints, 3) * 100 + 10
            with torch.no_grad():
                return self(points, torch.tensor([IMAGE]).float())[0].shape[1]
        if predict(self.num_frames) != self.num_frames:
            raise ValueError(f'the model predicts {predict(self.num_frames)} of {self.num_frames} frames of a window; '
                             'only models that predict all of them can be exported')
        try:
            return predict(self.num_frames + 2) == self.num_frames + 2
        except (RuntimeError, ValueError):
            return False

    def forward(self, keypoints: Tensor, image_size: Tensor) -> tuple[Tensor, ...]:
        """Keypoints ``(B,T,Js,3)`` and sizes ``(B,2)`` to joints ``(B,T,J,3)`` and ``valid (B,T)``."""
        size = image_size[:, None, None]                                                 # (B,1,1,2)
        points, confidence = keypoints[..., :2], keypoints[..., 2]
        detected = keypoints.isfinite().all(-1) & (confidence > 0) & (points != 0).any(-1)
        detected = detected & ((points >= -FAR * size) & (points <= (1 + FAR) * size)).all(-1)
        points = torch.where(detected[..., None], points, 0)
        confidence = torch.where(detected, confidence.clamp(max=1), 0)
        points, confidence, detected = self._fill(points, confidence, detected)
        points, confidence, detected = self._convert(points, confidence, detected)
        screen = points * (2 / size[..., :1]) - size / size[..., :1]                     # as screen_normalize
        keypoints = torch.cat([screen, confidence[..., None]], -1) if self.confidence else screen
        valid = torch.ones_like(detected[..., 0])
        batch = dict(inputs=dict(keypoints=keypoints, **dict(detected=detected) if self.masked else {},
                                 **dict(valid=valid) if self.padding_mask else {}), valid=valid, test_mode=True)
        for transform in self.transforms:
            batch = transform(batch)
        joints = self.model.predicted(batch['inputs'])['joints']
        seen = detected.float().sum(-1) >= MIN_SHARE * detected.shape[-1]
        return joints - joints[:, :, self.root:self.root + 1], seen

    def _fill(self, points: Tensor, confidence: Tensor, detected: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Holes in time, as :func:`.fill_holes`: places ``(B,T,J,2)``, confidence and detected ``(B,T,J)``."""
        frames = torch.arange(points.shape[1], device=points.device)
        end = points.shape[1]
        apart = frames[:, None] - frames                                                 # (T,T): row minus column
        past, future = (apart >= 0)[..., None], (apart <= 0)[..., None]
        there, column = detected[:, None], frames[:, None]                               # (B,1,T,J), (T,1)
        before = torch.where(there & past, column, -1).amax(2)                           # (B,T,J)
        after = torch.where(there & future, column, end).amin(2)
        filled = (before >= 0) & (after < end) & ~detected & (after - before - 1 <= self.longest_hole)
        low, high = before.clamp(min=0), after.clamp(max=end - 1)
        weight = (frames[:, None] - low) / (high - low).clamp(min=1)
        ends = [points.gather(1, index[..., None].expand(-1, -1, -1, 2)) for index in (low, high)]
        sure = torch.minimum(confidence.gather(1, low), confidence.gather(1, high))
        held = torch.where((before >= 0)[..., None], ends[0], torch.where((after < end)[..., None], ends[1], 0))
        between = (1 - weight)[..., None] * ends[0] + weight[..., None] * ends[1]
        confidence = torch.where(filled, FILLED_CONFIDENCE * sure, confidence)
        return torch.where(filled[..., None], between, held), confidence, detected | filled

    def _convert(self, points: Tensor, confidence: Tensor, detected: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """To the skeleton of the model, as :meth:`.PersonTrack.convert`."""
        if self.source == self.inferencer.skeleton:
            return points, confidence, detected
        part = self.shares > 0                                                           # (Jt,Js)
        detected = torch.where(part, detected.float()[..., None, :], 1).amin(-1) > 0.5
        confidence = torch.where(part, confidence[..., None, :], 1).amin(-1)
        return self.shares @ points, torch.where(detected, confidence, 0), detected

    def facts(self) -> dict:
        return dict(family='lifting', fps=self.fps, num_frames=self.num_frames,
                    frame_step=self.inferencer.dataset.get('frame_step', 1), keypoint_skeleton=self.source,
                    keypoint_names=list(get_skeleton(self.source).joints), root=self.root,
                    flip=self.model.flip is not None, longest_hole_frames=self.longest_hole)

    def example(self, batch_size: int = 2) -> tuple[Tensor, ...]:
        keypoints = moving_keypoints(batch_size, self.num_frames, get_skeleton(self.source).num_joints)
        return torch.from_numpy(keypoints), torch.tensor([IMAGE] * batch_size).float()

    def difference(self, run) -> float:
        """Over recordings of one window with missing joints, and other numbers of frames where they are free."""
        sizes = [(1, self.num_frames), (3, self.num_frames)]
        if self.ports_in['keypoints'].shape[1] == 'T':
            sizes += [(2, self.num_frames // 2 + 3), (2, self.num_frames + 4)]
        found = [0.0]
        for batch_size, num_frames in sizes:
            keypoints = moving_keypoints(batch_size, num_frames, get_skeleton(self.source).num_joints)
            outputs = run(dict(keypoints=keypoints, image_size=np.array([IMAGE] * batch_size, np.float32)))
            with self._window_of(num_frames):
                for person, joints in zip(keypoints, outputs['joints']):
                    motion, = self.inferencer(person, IMAGE, skeleton=self.source, fps=self.fps)
                    found.append(float(np.abs(motion.joints - joints).max()))
        return float(np.max(found))  # NaN, if there is one

    @contextmanager
    def _window_of(self, num_frames: int):
        """The inferencer with windows of so many frames, each of them in the window."""
        before = self.inferencer.dataset
        self.inferencer.dataset = type(before)(dict(before, num_frames=num_frames, frame_step=1))
        try:
            yield
        finally:
            self.inferencer.dataset = before


def moving_keypoints(count: int, num_frames: int, num_joints: int) -> np.ndarray:
    """People who move across an image, some joints of them not there for a while, ``(count,T,J,3)`` float32."""
    random = np.random.default_rng(0)
    points = random.uniform((400, 100), (700, 600), (count, 1, num_joints, 2)) + np.cumsum(
        random.normal(0, 3, (count, num_frames, num_joints, 2)), 1)
    confidence = random.uniform(0.3, 1, (count, num_frames, num_joints, 1))
    keypoints = np.concatenate([points, confidence], -1).astype(np.float32)
    for person in keypoints:
        for joint, begin, size in zip(random.permutation(num_joints), random.integers(0, num_frames, num_joints // 3),
                                      random.integers(1, num_frames + 1, num_joints // 3)):
            person[begin:begin + size, joint, 2] = 0
            person[begin:begin + size, joint, 0] = np.nan if joint % 2 else 0
    return keypoints
