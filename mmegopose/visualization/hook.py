"""Pictures of predictions while testing."""
from pathlib import Path

import numpy as np
from mmengine.hooks import Hook

from ..registry import HOOKS
from ..structures import get_skeleton
from .skeletons import draw_poses


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
            sequence = meta['sequences'][int(sample.take[0])]
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
