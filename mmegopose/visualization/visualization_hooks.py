"""Pictures of predictions while testing."""
from pathlib import Path

import numpy as np
import torch
from mmengine.dist import master_only
from mmengine.hooks import Hook
from torch import Tensor

from ..files import atomic_path
from ..geometry.crops import denormalize_image
from ..registry import HOOKS
from ..structures import Skeleton, get_skeleton
from ..structures.streams import find_stream
from .overlay import draw_grid, overlay_mesh, overlay_skeletons
from .pose_figures import draw_poses

ROWS = 4               # of a picture
MIN_CROP_HEIGHT = 256  # pixels of a crop that is drawn over
TITLES = dict(pose_image='2D pose that goes in')  # of streams


@HOOKS.register_module()
class PoseVisualizationHook(Hook):
    """Write one picture per sequence: predicted and, where known, true skeletons of frames spread over the sequence.

    Args:
        out_dir: folder of the pictures, ``<name>_<uid>.png``, or ``<uid>.png`` where the uid holds the name.
        num_poses: poses in a picture.
        max_sequences: sequences that are drawn.
    """

    def __init__(self, out_dir: str, num_poses: int = 8, max_sequences: int = 50):
        self.out_dir, self.num_poses, self.max_sequences = Path(out_dir), num_poses, max_sequences
        self.kept: dict[int, dict] = {}  # {number of the sequence: {frame: fields of the pose}}

    def before_test_epoch(self, runner):
        self.kept.clear()

    def after_test_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        meta = runner.test_dataloader.dataset.metainfo
        for sample in outputs:
            for index in sample.sequence.unique().tolist():
                if index in self.kept or len(self.kept) < self.max_sequences:
                    known = np.unique(meta['sequences'][index]['frame_ids'])
                    wanted = known[np.unique(np.linspace(0, len(known) - 1, self.num_poses).astype(int))]
                    self._keep(sample, sample.scored & (sample.sequence == index)[:, None], index, wanted)

    def after_test_epoch(self, runner, metrics=None):
        meta = runner.test_dataloader.dataset.metainfo
        for index, poses in self.kept.items():
            if poses:
                self._draw(dict(sorted(poses.items())), meta['sequences'][index], get_skeleton(meta['skeleton']))

    def _keep(self, sample, chosen: Tensor, index: int, wanted: np.ndarray):
        """Keep the poses of the frames ``chosen (B,T)`` of a sequence that are ``wanted``."""
        poses, chosen = self.kept.setdefault(index, {}), chosen & torch.isin(
            sample.frame_ids, torch.as_tensor(wanted, device=sample.frame_ids.device))
        for b, t in chosen.nonzero().tolist():
            fields = {key: sample.get(key)[b, t].float().cpu().numpy() for key in ('pred_joints', 'joints', 'visible')
                      if key in sample}
            if 'T_world_target' not in sample:  # camera axes: turn y down to z up
                fields |= {key: fields[key][:, [0, 2, 1]] * [1, 1, -1] for key in fields if key != 'visible'}
            poses.setdefault(int(sample.frame_ids[b, t]), fields)

    def _draw(self, poses: dict, sequence: dict, skeleton: Skeleton):
        """Write the picture of a sequence from its poses by frame."""
        pred, truth, visible = ([pose[key] for pose in poses.values()] if all(key in pose for pose in poses.values())
                                else None for key in ('pred_joints', 'joints', 'visible'))
        truth = None if truth is None else np.stack(truth)
        visible = None if visible is None or truth is None else np.stack(visible).astype(bool)
        name, uid = sequence['name'], sequence['uid']
        figure = draw_poses(np.stack(pred), skeleton, truth, visible, [f'frame {frame}' for frame in poses],
                            heading=name if name == uid or name not in uid else uid)
        # The cameras that see one action share its name, but not its uid.
        path = self.out_dir / f'{_safe_name(uid if name in uid else f"{name}_{uid}")}.png'
        with atomic_path(path) as unfinished:
            figure.savefig(unfinished, dpi=100)


@HOOKS.register_module()
class MeshVisualizationHook(Hook):
    """Write pictures of predicted meshes and keypoints: a row per frame, with what the network sees beside it.

    Columns: the crop, the drawn 2D pose that goes in and other streams of pictures, the mesh over the crop, the
    predicted keypoints, or else the joints, over the true keypoints; only those that there are. Every picture shows
    frames spread over a batch, with their sequences.

    Args:
        out_dir: folder of the pictures, ``batch_0.png`` and on.
        num_samples: rows of all pictures together.
    """

    def __init__(self, out_dir: str, num_samples: int = 12):
        self.out_dir, self.num_samples = Path(out_dir), num_samples
        self.drawn = 0

    @master_only
    def after_test_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        for sample in outputs:
            frames = np.argwhere(sample.scored.cpu().numpy())                           # (n,2)
            count = min(len(frames), self.num_samples - self.drawn, ROWS)
            if count <= 0:
                continue
            b, t = frames[np.linspace(0, len(frames) - 1, count).astype(int)].T
            num_frames = sample.scored.shape[1]
            inputs = {name: stream[:, -num_frames:][b, t].float().cpu().numpy()
                      for name, stream in data_batch['inputs'].items() if _is_picture(name)}
            fields = {name: value[b, t].float().cpu().numpy() for name, value in sample.items()
                      if value.shape[:2] == sample.scored.shape}
            meta = runner.test_dataloader.dataset.metainfo
            names = [f'{meta["sequences"][sample.sequence[i]]["name"]}, frame {int(sample.frame_ids[i, j])}'
                     for i, j in zip(b, t)]
            figure = draw_grid(_panels(inputs, fields, _faces(runner.model), get_skeleton(meta['skeleton']).style),
                               names)
            with atomic_path(self.out_dir / f'batch_{batch_idx}.png') as unfinished:
                figure.savefig(unfinished, dpi=150)
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
    known = {'keypoints', 'keypoint_conf'} <= fields.keys()
    for name, title in (('pred_keypoints', 'keypoints'), ('pred_joints', 'joints')):
        if name in fields:
            pred = fields[name]
            truth = fields['keypoints'] if known else np.zeros((*pred.shape[:2], 2))
            confidence = fields['keypoint_conf'] if known else np.zeros(truth.shape[:2])
            if name == 'pred_joints':
                pred = lay_on_picture(pred, truth, confidence)
            panels[f'{title} (true: white)' if known and confidence.any() else title] = [
                overlay_skeletons(*row, style) for row in zip(images, pred, truth, confidence)]
            break
    return panels


def lay_on_picture(joints: np.ndarray, keypoints: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """Joints ``(n,J,3)`` without a camera, as seen from far away: moved and scaled to where the keypoints are.

    ``keypoints (n,J,2)``, with ``confidence (n,J)``, and the result ``(n,J,2)`` are in crop units. Without keypoints
    the joints fill half of the crop.
    """
    weight = np.where((confidence > 0).sum(1, keepdims=True) > 1, confidence, 0)[..., None]
    unknown = ~weight.any(1, keepdims=True)
    weight, keypoints = np.where(unknown, 1, weight), np.where(weight > 0, keypoints, 0)
    flat = joints[..., :2] - (weight * joints[..., :2]).sum(1, keepdims=True) / weight.sum(1, keepdims=True)
    middle = (weight * keypoints).sum(1, keepdims=True) / weight.sum(1, keepdims=True)
    size = (weight * flat ** 2).sum((1, 2), keepdims=True).clip(1e-9)
    scale = (weight * flat * (keypoints - middle)).sum((1, 2), keepdims=True) / size
    half = 0.25 / np.abs(flat).max((1, 2), keepdims=True).clip(1e-9)
    return flat * np.where(unknown, half, scale) + middle


def _faces(model) -> np.ndarray | None:
    """Triangles ``(F,3)`` of the model's body model, if it has one."""
    return next((module.faces.cpu().numpy() for module in model.modules() if hasattr(module, 'faces')), None)


def _safe_name(name: str) -> str:
    """A name that is one of a file everywhere."""
    return ''.join(c if c.isalnum() or c in '-_.' else '_' for c in name)
