"""From a world-space batch to model inputs and targets."""
import torch

from ...geometry import trajectory
from ...geometry.rigid import apply_rigid, invert_rigid
from ...registry import TRANSFORMS
from ...structures import PoseDataSample


@TRANSFORMS.register_module()
class TargetFrame:
    """Express the joints in a reference frame and store the way back.

    Args:
        frame: ``'camera'`` (each frame's camera, as the official baseline), ``'heading'`` (origin at the camera,
            x along the heading, z up) or ``'world'``.
    """

    def __init__(self, frame: str = 'heading'):
        if frame not in ('camera', 'heading', 'world'):
            raise ValueError(f"TargetFrame(frame={frame!r}): frame should be 'camera', 'heading' or 'world'")
        self.frame = frame

    def __call__(self, batch: dict) -> dict:
        camera = batch.pop('T_world_camera')
        if self.frame == 'camera':
            target = camera
        elif self.frame == 'heading':
            target = trajectory.heading_frame(camera, batch['camera_axes'])
        else:
            target = torch.eye(4, dtype=camera.dtype).expand_as(camera).contiguous()
        batch['joints'] = apply_rigid(invert_rigid(target), batch['joints'])
        batch['T_world_target'] = target
        return batch


@TRANSFORMS.register_module()
class HeadPoseFeatures:
    """The stream ``head_pose (B,T,F)``.

    Args:
        kind: ``'translation'`` (F=3, official baseline), ``'pose_delta'`` (F=24) or ``'gravity_aligned'`` (F=16);
            see ``geometry.trajectory``.
    """

    def __init__(self, kind: str = 'gravity_aligned'):
        if kind not in trajectory.FEATURE_DIMS:
            raise ValueError(f'HeadPoseFeatures(kind={kind!r}): kind should be one of {list(trajectory.FEATURE_DIMS)}')
        self.kind = kind

    def __call__(self, batch: dict) -> dict:
        pose = batch['head_pose']
        if self.kind == 'translation':
            features = trajectory.translation_features(pose)
        elif self.kind == 'pose_delta':
            features = trajectory.pose_delta_features(pose, batch['head_pose_before'])
        else:
            features = trajectory.gravity_aligned_features(pose, batch['time'], batch['head_peak'],
                                                           batch['camera_axes'])
        batch.setdefault('inputs', {})['head_pose'] = features.float()
        return batch


@TRANSFORMS.register_module()
class PackInputs:
    """End of a pipeline: ``dict(inputs, data_samples)``.

    Args:
        padding_mask: add the stream ``valid (B,T)``, so that attention leaves out frames before the sequence began.
            Without it those frames repeat the first one.
    """

    def __init__(self, padding_mask: bool = False):
        self.padding_mask = padding_mask

    def __call__(self, batch: dict) -> dict:
        inputs = batch['inputs']
        if self.padding_mask:
            inputs['valid'] = batch['valid']
        sample = PoseDataSample()
        for key in ('visible', 'frame_ids', 'scored', 'sequence', 'T_world_target'):
            sample.set_field(batch[key], key)
        sample.set_field(batch['joints'].float(), 'joints')
        return dict(inputs=inputs, data_samples=sample)
