"""From rows of a store to 2D keypoints and 3D poses."""
import numpy as np
import torch

from ...registry import TRANSFORMS
from ...structures import get_skeleton
from ..random import check_shares
from ..store import SequenceStore

MAX_NORMALIZED_COORD = 10  # typical coordinates of screen-normalised keypoints are smaller, in pixels larger


@TRANSFORMS.register_module()
class ReadKeypoints:
    """First step of a pipeline for lifting: keypoints on the screen, and poses of the same skeleton in camera axes.

    Of the store it needs the field ``keypoints (F,J,2|3)`` float32, screen-normalised (x in [-1,1], third: confidence),
    and the fact ``skeleton``. Optional fields are ``joints (F,J,3)`` float32, metres, camera axes, relative to the root
    joint (or in screen units, with ``scale (F,)``, metres per unit, for the metric); ``visible (F,)`` bool, frames
    whose 3D is to be trusted; and ``detected (F,J)`` bool, keypoints that are there. Without joints nothing is visible.

    It adds ``keypoints (B,T,J,2|3)``, ``joints (B,T,J,3)``, ``visible (B,T,J)`` and, if the store has it, ``detected
    (B,T,J)``. Windows that are listed as mirrored are mirrored at the vertical plane through the optical axis.

    Args:
        confidence: keep the third channel of the keypoints (1 if the store has none), else drop it.
        mirror_prob: share of the windows that are mirrored in training, drawn anew in each epoch.

    Raises:
        ValueError: no keypoints, in pixels, or not those of the skeleton.
    """

    def __init__(self, confidence: bool = False, mirror_prob: float = 0.0):
        check_shares(mirror_prob=mirror_prob)
        self.confidence, self.mirror_prob = confidence, mirror_prob

    def bind(self, store: SequenceStore) -> None:
        """Check the store."""
        skeleton = get_skeleton(store.info['skeleton'])
        self.flip = torch.tensor(skeleton.flip)
        # Columns of a matrix (.., JD), because an index over joints copies a few bytes at a time: 9 times slower.
        self.columns = {channels: (self.flip[:, None] * channels + torch.arange(channels)).flatten()
                        for channels in (2, 3)}
        keypoints = store.frames.get('keypoints')
        if keypoints is None:
            raise ValueError(f"{store.title} should have the field 'keypoints' (F,J,2) or (F,J,3), it has "
                             f'{sorted(store.frames)}')
        if not len(keypoints):
            raise ValueError(f'{store.title} has no frame')
        joints = store.frames.get('joints', keypoints)
        if {keypoints.shape[1], joints.shape[1]} != {skeleton.num_joints}:
            raise ValueError(f'{skeleton.name} has {skeleton.num_joints} joints, but keypoints are {keypoints.shape} '
                             f'and joints {joints.shape}')
        typical = np.median(np.abs(keypoints[:1000, :, :2]))
        if typical > MAX_NORMALIZED_COORD:
            raise ValueError(f'keypoints of {store.title} should be screen-normalised (x in [-1, 1]), but are '
                             f'typically {typical:.0f}, which looks like pixels: use '
                             'mmegopose.geometry.cameras.screen_normalize')

    def __call__(self, batch: dict) -> dict:
        frames, rows = batch['store'].frames, batch['rows']

        def read(name):
            return torch.from_numpy(np.take(frames[name], rows, axis=0))

        keypoints = self._channels(read('keypoints'))
        batch |= dict(keypoints=keypoints)
        visible = read('visible') if 'visible' in frames else torch.ones(rows.shape, dtype=torch.bool)
        if 'joints' in frames:
            batch['joints'] = read('joints')
        else:
            batch['joints'], visible = keypoints.new_zeros(*keypoints.shape[:-1], 3), torch.zeros_like(visible)
        if 'detected' in frames:
            batch['detected'] = read('detected')
        if self.mirror_prob and not batch['test_mode']:
            drawn = batch['random'].uniform(1)[:, 0] < self.mirror_prob  # (B,)
            batch['mirrored'] = drawn ^ batch['mirrored'] if 'mirrored' in batch else drawn
        if 'mirrored' in batch:
            self._mirror(batch)
        if 'trained' in batch:
            visible = visible & batch['trained']
        batch['visible'] = visible[..., None].repeat(1, 1, keypoints.shape[2])
        return batch

    def _channels(self, keypoints: torch.Tensor) -> torch.Tensor:
        if not self.confidence:
            return keypoints[..., :2].contiguous()
        return keypoints if keypoints.shape[-1] == 3 else torch.nn.functional.pad(keypoints, (0, 1), value=1.0)

    def _mirror(self, batch: dict) -> None:
        """Mirror the windows that are listed so, in place."""
        chosen = torch.from_numpy(np.flatnonzero(batch['mirrored'].numpy()))  # (n,)
        if not len(chosen):
            return
        for name in ('keypoints', 'joints'):
            values = batch[name].index_select(0, chosen)
            channels = values.shape[-1]
            mirrored = values.flatten(0, 1).flatten(1).index_select(1, self.columns[channels])  # (nT, JD)
            mirrored[:, ::channels].neg_()
            batch[name].index_copy_(0, chosen, mirrored.view_as(values))
        if 'detected' in batch:
            batch['detected'][chosen] = batch['detected'][chosen][..., self.flip]
