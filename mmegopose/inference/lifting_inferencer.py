"""3D poses from the 2D keypoints of a video."""
import numpy as np
import torch

from ..engine.config import load_config
from ..evaluation.benchmarks.lifting_benchmark import blend_frames
from ..registry import DATASETS, INFERENCERS
from ..structures import get_skeleton
from .inputs import keypoint_store
from .loading import dataset_over, load_model


@INFERENCERS.register_module()
class LiftingInferencer:
    """Lift sequences of any length: overlapping windows, blended, every frame predicted once.

    Args:
        config: config file of a lifting model.
        checkpoint: its checkpoint.
        device: where the model runs; default: a GPU if there is one.
    """

    def __init__(self, config: str, checkpoint: str, device: str | None = None):
        cfg = load_config(config)
        self.dataset = cfg.test_dataloader.dataset
        self.skeleton = DATASETS.get(self.dataset.type).skeleton
        self.model = load_model(cfg, checkpoint, device)

    @torch.no_grad()
    def __call__(self, keypoints: np.ndarray, image_size: tuple, skeleton: str | None = None,
                 batch_size: int = 16, **fields: np.ndarray) -> np.ndarray:
        """Predict every frame of a sequence.

        Args:
            keypoints: ``(F,J,2)`` pixels, or ``(F,J,3)`` with confidence, which models without it leave out.
            image_size: width and height of the images, pixels.
            skeleton: skeleton of the keypoints, e.g. ``'coco17'``; default: that of the model.
            batch_size: windows per forward pass.
            fields: more arrays ``(F, ...)``, one row a frame, that the transforms of the config read from the store.

        Returns:
            ``(F,J,3)`` float32: metres in camera axes (x right, y down, z forward), relative to the root joint, in
            the model's skeleton.

        Raises:
            ValueError: keypoints of another shape, not finite, or not in pixels.
        """
        store = keypoint_store(keypoints, image_size, skeleton or self.skeleton, self.skeleton, **fields)
        dataset = dataset_over(store, self.dataset, protocol='overlap', mirror=False, window_stride=None)
        poses = []
        for begin in range(0, len(dataset), batch_size):
            batch = dataset.__getitems__(range(begin, min(begin + batch_size, len(dataset))))
            sample = self.model(**self.model.data_preprocessor(batch), mode='predict')[0]
            poses.append(sample.pred_joints[sample.scored].float().cpu())
        slots = dataset.metainfo['sequences'][0]
        poses, _ = blend_frames(torch.cat(poses), *(torch.from_numpy(slots[key]) for key in ('frame_ids', 'weights')))
        root = get_skeleton(self.skeleton).root
        return (poses - poses[:, [root]]).numpy()
