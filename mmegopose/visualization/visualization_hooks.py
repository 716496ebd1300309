"""Pictures of predictions while testing."""
from pathlib import Path

import numpy as np
from mmengine.dist import master_only
from mmengine.hooks import Hook

from ..registry import HOOKS
from ..structures import get_skeleton
from .figures import draw_poses
from .overlay import denormalize_image, draw_grid, overlay_mesh, overlay_skeletons

MIN_HEIGHT = 256  # pixels of a crop that is drawn over


@HOOKS.register_module()
class PoseVisualizationHook(Hook):
    """Write one picture per take: predicted and true skeletons of frames spread over its first batch.

    Args:
        out_dir: folder of the pictures, ``<take name>.png``.
        num_poses: poses in a picture.
        max_takes: takes that are drawn.
    """

    def __init__(self, out_dir: str, num_poses: int = 8, max_takes: int = 50):
        self.out_dir, self.num_poses, self.max_takes = Path(out_dir), num_poses, max_takes
        self.drawn = set()

    def after_test_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        meta = runner.test_dataloader.dataset.metainfo
        for sample in outputs:
            sequence = meta['sequences'][int(sample.sequence[0])]
            if sequence['uid'] in self.drawn or len(self.drawn) >= self.max_takes:
                continue
            self.drawn.add(sequence['uid'])
            frames, first = np.unique(sample.frame_ids[sample.scored].cpu().numpy(), return_index=True)
            rows = first[np.unique(np.linspace(0, len(frames) - 1, self.num_poses).astype(int))]
            pred, truth, visible = (sample.get(key)[sample.scored][rows].float().cpu().numpy()
                                    for key in ('pred_joints', 'joints', 'visible'))
            if 'T_world_target' not in sample:  # camera axes: turn y down to z up
                pred, truth = (joints[..., [0, 2, 1]] * [1, 1, -1] for joints in (pred, truth))
            titles = [f'frame {frame}' for frame in sample.frame_ids[sample.scored][rows].tolist()]
            figure = draw_poses(pred, truth, visible.astype(bool), get_skeleton(meta['skeleton']), titles)
            self.out_dir.mkdir(parents=True, exist_ok=True)
            name = ''.join(c if c.isalnum() or c in '-_.' else '_' for c in sequence['name'])
            figure.savefig(self.out_dir / f'{name}.png', dpi=100)


@HOOKS.register_module()
class MeshVisualizationHook(Hook):
    """Write pictures of predicted meshes and keypoints: a row per frame, with what the network sees beside it.

    Columns: the crop, the drawn 2D pose that goes in, the mesh over the crop, the predicted keypoints over the true
    ones; only those that there are. Every picture shows frames spread over a batch.

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
            length = sample.scored.shape[1]
            inputs = {name: stream[:, -length:][b, t].float().cpu().numpy()
                      for name, stream in data_batch['inputs'].items() if name in ('image', 'pose_image')}
            fields = {name: value[b, t].float().cpu().numpy() for name, value in sample.items()
                      if value.shape[:2] == sample.scored.shape}
            meta = runner.test_dataloader.dataset.metainfo
            figure = draw_grid(_panels(inputs, fields, _faces(runner.model), get_skeleton(meta['skeleton']).style))
            self.out_dir.mkdir(parents=True, exist_ok=True)
            figure.savefig(self.out_dir / f'batch_{batch_idx}.png', dpi=150)
            self.drawn += count


def _panels(inputs: dict, fields: dict, faces, style) -> dict:
    """Columns of a picture from streams and fields with one row per frame."""
    images = denormalize_image(inputs['image'])
    factor = max(1, MIN_HEIGHT // images.shape[1])
    images = images.repeat(factor, 1).repeat(factor, 2)  # lines over small crops would be too thick
    panels = {'image': images}
    if 'pose_image' in inputs:
        panels['2D pose that goes in'] = denormalize_image(inputs['pose_image'])
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
