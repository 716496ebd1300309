"""3D poses from the 2D keypoints of a video."""
import numpy as np
import torch

from ..datasets.lifting_dataset import LiftingDataset
from ..datasets.store import SequenceStore
from ..engine.config import load_config
from ..evaluation.benchmarks.lifting_benchmark import blend_frames
from ..geometry.cameras import screen_normalize
from ..registry import DATASETS, INFERENCERS
from ..structures import convert_confidence, convert_joints, get_skeleton
from .loading import load_model


@INFERENCERS.register_module()
class LiftingInferencer:
    """Lift clips of any length: overlapping windows, blended, every frame predicted once.

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
                 batch_size: int = 16) -> np.ndarray:
        """Predict every frame of a clip.

        Args:
            keypoints: ``(F,J,2)`` pixels, or ``(F,J,3)`` with confidence, which models without it leave out.
            image_size: width and height of the images, pixels.
            skeleton: skeleton of the keypoints, e.g. ``'coco17'``; default: that of the model.
            batch_size: windows per forward pass.

        Returns:
            ``(F,J,3)`` float32: metres in camera axes (x right, y down, z forward), relative to the root joint, in
            the model's skeleton.

        Raises:
            ValueError: keypoints of another shape, not finite, or not in pixels.
        """
        dataset = self._dataset(self._normalized(np.asarray(keypoints, np.float32), image_size, skeleton))
        poses = []
        for begin in range(0, len(dataset), batch_size):
            batch = dataset.__getitems__(range(begin, min(begin + batch_size, len(dataset))))
            sample = self.model(**self.model.data_preprocessor(batch), mode='predict')[0]
            poses.append(sample.pred_joints[sample.scored].float().cpu())
        slots = dataset.metainfo['sequences'][0]
        poses, _ = blend_frames(torch.cat(poses), *(torch.from_numpy(slots[key]) for key in ('frame_ids', 'weights')))
        root = get_skeleton(self.skeleton).root
        return (poses - poses[:, root:root + 1]).numpy()

    def _normalized(self, keypoints: np.ndarray, image_size: tuple, skeleton: str | None) -> np.ndarray:
        """Keypoints of the model's skeleton on the screen, ``(F,J,3)`` with confidence."""
        if keypoints.ndim != 3 or keypoints.shape[-1] not in (2, 3) or not len(keypoints):
            raise ValueError(f'keypoints should be (frames,joints,2) or (frames,joints,3), got {keypoints.shape}')
        if not np.isfinite(keypoints).all():
            raise ValueError(f'keypoints of frame {np.argwhere(~np.isfinite(keypoints))[0, 0]} are not finite; give '
                             'undetected joints their last position, with confidence 0')
        points, confidence = keypoints[..., :2], keypoints[..., 2:]
        if np.abs(points).max() <= 2:
            raise ValueError(f'keypoints reach {np.abs(points).max():.2f} at most, but should be pixels of an image of '
                             f'{image_size[0]} x {image_size[1]}')
        confidence = confidence[..., 0] if confidence.size else np.ones(points.shape[:2], np.float32)
        source = skeleton or self.skeleton
        if source != self.skeleton:
            points = convert_joints(points, source, self.skeleton)
            confidence = convert_confidence(confidence, source, self.skeleton)
        points = screen_normalize(points, *image_size)
        return np.concatenate([points, confidence[..., None]], -1).astype(np.float32)

    def _dataset(self, keypoints: np.ndarray) -> LiftingDataset:
        frames, joints = keypoints.shape[:2]
        store = SequenceStore(np.array([0, frames]), dict(
            keypoints=keypoints, joints=np.zeros((frames, joints, 3), np.float32)), [dict(uid='clip', name='clip')])
        options = {key: self.dataset[key] for key in ('length', 'step', 'confidence') if key in self.dataset}
        return LiftingDataset(store, skeleton=self.skeleton, name='clip', split='test', protocol='overlap',
                              test_mode=True, **options)
