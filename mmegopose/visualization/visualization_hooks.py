"""Pictures of predictions while testing."""
from pathlib import Path

import numpy as np
from mmengine.dist import master_only
from mmengine.hooks import Hook
from torch import Tensor

from ..registry import HOOKS
from ..structures import Skeleton, get_skeleton
from ..structures.streams import find_stream
from .overlay import denormalize_image, draw_grid, overlay_mesh, overlay_skeletons
from .pose_figures import draw_poses

MIN_CROP_HEIGHT = 256  # pixels of a crop that is drawn over
TITLES = dict(pose_image='2D pose that goes in')  # of streams


@HOOKS.register_module()
class PoseVisualizationHook(Hook):
    """Write one picture per sequence: predicted and, where known, true skeletons of frames spread over its first batch.

    Args:
        out_dir: folder of the pictures, ``<name>_<uid>.png``, or ``<uid>.png`` where the uid holds the name.
        num_poses: poses in a picture.
        max_sequences: sequences that are drawn.
    """

    def __init__(self, out_dir: str, num_poses: int = 8, max_sequences: int = 50):
        self.out_dir, self.num_poses, self.max_sequences = Path(out_dir), num_poses, max_sequences
        self.drawn = set()

    def after_test_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        meta = runner.test_dataloader.dataset.metainfo
        for sample in outputs:
            for index in sample.sequence.unique().tolist():
                sequence = meta['sequences'][index]
                if sequence['uid'] not in self.drawn and len(self.drawn) < self.max_sequences:
                    self._draw(sample, sample.scored & (sample.sequence == index)[:, None], sequence,
                               get_skeleton(meta['skeleton']))

    def _draw(self, sample, chosen: Tensor, sequence: dict, skeleton: Skeleton):
        """Write the picture of a sequence from its frames ``chosen (B,T)``."""
        frames, first = np.unique(sample.frame_ids[chosen].cpu().numpy(), return_index=True)
        if not len(frames):
            return
        self.drawn.add(sequence['uid'])
        spread = np.unique(np.linspace(0, len(frames) - 1, self.num_poses).astype(int))
        pred, truth, visible = (sample.get(key)[chosen][first[spread]].float().cpu().numpy() if key in sample else None
                                for key in ('pred_joints', 'joints', 'visible'))
        if 'T_world_target' not in sample:  # camera axes: turn y down to z up
            pred, truth = (None if joints is None else joints[..., [0, 2, 1]] * [1, 1, -1] for joints in (pred, truth))
        figure = draw_poses(pred, skeleton, truth, None if visible is None else visible.astype(bool),
                            [f'frame {frame}' for frame in frames[spread]])
        self.out_dir.mkdir(parents=True, exist_ok=True)
        # The cameras that see one action share its name, but not its uid.
        name, uid = sequence['name'], sequence['uid']
        stem = uid if name in uid else f'{name}_{uid}'
        stem = ''.join(c if c.isalnum() or c in '-_.' else '_' for c in stem)
        figure.savefig(self.out_dir / f'{stem}.png', dpi=100)


@HOOKS.register_module()
class MeshVisualizationHook(Hook):
    """Write pictures of predicted meshes and keypoints: a row per frame, with what the network sees beside it.

    Columns: the crop, the drawn 2D pose that goes in and other streams of pictures, the mesh over the crop, the
    predicted keypoints over the true ones; only those that there are. Every picture shows frames spread over a batch.

    Args:
        out_dir: folder of the pictures, ``batch_0.png`` and on.
        num_samples: rows of all pictures together.
    """

    def __init__(self, out_dir: str, num_samples: int = 8):
        self.out_dir, self.num_samples = Path(out_dir), num_samples
        self.drawn = 0

    @master_only
    def after_test_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        for sample in outputs:
            frames = np.argwhere(sample.scored.cpu().numpy())                           # (n,2)
            count = min(len(frames), self.num_samples - self.drawn)
            if count <= 0:
                continue
            b, t = frames[np.linspace(0, len(frames) - 1, count).astype(int)].T
            num_frames = sample.scored.shape[1]
            inputs = {name: stream[:, -num_frames:][b, t].float().cpu().numpy()
                      for name, stream in data_batch['inputs'].items() if _is_picture(name)}
            fields = {name: value[b, t].float().cpu().numpy() for name, value in sample.items()
                      if value.shape[:2] == sample.scored.shape}
            meta = runner.test_dataloader.dataset.metainfo
            figure = draw_grid(_panels(inputs, fields, _faces(runner.model), get_skeleton(meta['skeleton']).style))
            self.out_dir.mkdir(parents=True, exist_ok=True)
            figure.savefig(self.out_dir / f'batch_{batch_idx}.png', dpi=150)
            self.drawn += count


def _is_picture(name: str) -> bool:
    """Whether a stream is declared as RGB pictures."""
    stream = find_stream(name)
    return stream is not None and stream.shape == ('B', 'T', 3, 'H', 'W')


def _panels(inputs: dict, fields: dict, faces, style) -> dict:
    """Columns of a picture from streams and fields with one row per frame."""
    images = denormalize_image(inputs['image'])
    factor = max(1, MIN_CROP_HEIGHT // images.shape[1])
    images = images.repeat(factor, 1).repeat(factor, 2)  # lines over small crops would be too thick
    panels = {'image': images}
    panels |= {TITLES.get(name, name): denormalize_image(stream) for name, stream in inputs.items() if name != 'image'}
    if {'pred_vertices', 'pred_translation'} <= fields.keys() and faces is not None:
        vertices = fields['pred_vertices'] + fields['pred_translation'][:, None]
        panels['predicted mesh'] = [overlay_mesh(image, mesh, faces) for image, mesh in zip(images, vertices)]
    if 'pred_keypoints' in fields:
        points = (fields[name] for name in ('pred_keypoints', 'keypoints', 'keypoint_conf'))
        panels['keypoints (true: white)'] = [overlay_skeletons(*row, style) for row in zip(images, *points)]
    return panels


def _faces(model) -> np.ndarray | None:
    """Triangles ``(F,3)`` of the model's body model, if it has one."""
    return next((module.faces.cpu().numpy() for module in model.modules() if hasattr(module, 'faces')), None)
