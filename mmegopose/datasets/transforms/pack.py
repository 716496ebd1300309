"""From a world-space batch to model inputs and targets."""
import torch

from ...geometry import trajectory
from ...geometry.rigid import apply_rigid, invert_rigid
from ...registry import TRANSFORMS
from ...structures.sample import FIELDS, PoseDataSample


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

    The sample gets the entries of the batch that :data:`.FIELDS` of the structures declares. In a test, windows without
    any valid frame are dropped, and the metainfo ``skipped`` of the sample lists the frames that could not be read:
    pairs of the number of the sequence and of the frame.

    Args:
        padding_mask: add the stream ``valid (B,T)``, so that attention leaves out frames that only repeat another, or
            could not be read.
        streams: entries of the batch that are streams, besides those in ``batch['inputs']``; what the batch lacks is
            left out.
        fields: entries of the batch that the sample should hold, too, for losses and metrics of your own, see
            :func:`.register_field`.

    Raises:
        KeyError: the batch lacks one of ``fields``.
    """

    def __init__(self, padding_mask: bool = False, streams: tuple = (), fields: tuple = ()):
        self.padding_mask, self.streams, self.fields = padding_mask, tuple(streams), tuple(fields)

    def __call__(self, batch: dict) -> dict:
        inputs = dict(batch.get('inputs', {}), **{name: batch[name] for name in self.streams if name in batch})
        if self.padding_mask:
            inputs['valid'] = batch['valid']
        # The number of the window says little, and only hands need it, which have no sequences: they ask for it.
        names = [name for name in FIELDS if name in batch and name not in (*self.streams, 'index')]
        batch['joints'] = batch['joints'].float()
        sample = PoseDataSample.from_batch(batch, (*names, *self.fields))
        if batch['test_mode'] and not batch['valid'].all():
            inputs, sample = self._without_unread(batch, inputs, sample)
        return dict(inputs=inputs, data_samples=sample)

    @staticmethod
    def _without_unread(batch: dict, inputs: dict, sample: PoseDataSample) -> tuple:
        kept, unread = batch['valid'].any(1), batch['exists'] & ~batch['valid']  # (B,), (B,T)
        if not kept.all():
            fields = {name: value[kept] for name, value in sample.items()}
            inputs, sample = {name: value[kept] for name, value in inputs.items()}, PoseDataSample()
            sample.set_data(fields)
        ids = batch['frame_ids']
        if (unread := unread[:, -ids.shape[1]:]).any():
            sequence = batch['sequence'][:, None].expand_as(unread)
            sample.set_metainfo(dict(skipped=torch.stack([sequence[unread], ids[unread]], 1).tolist()))
        return inputs, sample
