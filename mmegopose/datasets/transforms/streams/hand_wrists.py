"""Wrists that the hand pose task has found, for models that read wrists."""
import numpy as np
import torch
from mmengine.logging import MMLogger

from ....files import require
from ....registry import TRANSFORMS
from ...readers.head_pose.hand_poses import interpolated_hands, read_hands_in_camera
from ...store import SequenceStore


@TRANSFORMS.register_module()
class HandWrists:
    """Entry ``wrists (B,T,2,3)``: the wrists of the hand pose task in the world, NaN where there is none.

    They take the place of those of the labels in :class:`.WristPlaces`. The transform stands before the augmentation,
    which moves them. A take, a frame or a hand may be absent.

    Args:
        file: predictions, or annotations, of the hand pose task of Ego-Exo4D, see :func:`.read_hands_in_camera`.
        max_gap: frames between two predictions of a hand across which its place is interpolated.

    Raises:
        FileNotFoundError, BadFile: the file cannot be used.
    """

    def __init__(self, file: str, max_gap: int = 6):
        self.file, self.max_gap = file, max_gap

    def bind(self, store: SequenceStore) -> None:
        """Bring the wrists of all sequences to the world, and tell how many there are."""
        hands = read_hands_in_camera(require(self.file, 'it should be the file of predictions of the hand pose task'))
        self.wrists = np.full((store.num_rows, 2, 3), np.nan)
        for index, sequence in enumerate(store.sequences):
            if sequence['uid'] not in hands:
                continue
            frames, joints = hands[sequence['uid']]
            rows = np.arange(*store.offsets[index:index + 2])
            numbers = store.frame_ids(rows, np.full(len(rows), index))
            place = np.searchsorted(numbers, frames).clip(max=len(numbers) - 1)
            known = numbers[place] == frames
            pose = store.frames['head_pose'][rows[place[known]]]  # (n,4,4)
            world = joints[known][:, :, 0] @ pose[:, :3, :3].transpose(0, 2, 1) + pose[:, None, :3, 3]
            self.wrists[rows] = np.stack([interpolated_hands(frames[known][there], world[there, side], numbers,
                                                             self.max_gap) for side in range(2)
                                          for there in [np.isfinite(world[:, side]).all(-1)]], 1)
        seen = np.isfinite(self.wrists).all(-1).mean(0)
        absent = sum(sequence['uid'] not in hands for sequence in store.sequences)
        log = MMLogger.get_current_instance()
        (log.info if seen.any() else log.warning)(
            f'{store.title}: {self.file} has the left wrist in {seen[0]:.0%}, the right one in {seen[1]:.0%} of the '
            f'frames; {absent} of {len(store)} sequences are not in it')

    def __call__(self, batch: dict) -> dict:
        batch['wrists'] = torch.from_numpy(self.wrists[batch['rows']])
        return batch
