"""Write the submission file of the Ego-Exo4D hand pose challenge."""
import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.logging import print_log

from ...datasets.readers.hand_pose.egoexo4d_hand import PINHOLE
from ...geometry.root_translation import translation_from_crop
from ...registry import METRICS
from ..submissions.egoexo4d_hand_file import (
    Hand,
    read_hand_poses,
    validate_hand_poses,
    wanted_hands,
    write_hand_poses,
)
from ..submissions.submission_checks import raise_problems
from .gathering import GatheredMetric


@METRICS.register_module()
class EgoExo4DHandSubmission(GatheredMetric):
    """Writes the predicted hands of all sequences (a hand in a take) as the challenge wants them.

    Reads ``pred_joints (B,T,21,3)``, metres, ``frame_ids (B,T)`` and ``sequence (B,)``, so that samples may come in any
    order, from any process and more than once. Where ``crop_mirrored (B,T)`` is true the hand is mirrored back, y of
    the landscape camera. Hands of a body model (with ``pred_translation``) are written from their wrist, all others as
    the model predicts them.

    With ``in_camera`` hands are told from the camera: they are put where ``pred_keypoints (B,T,21,2)`` are seen in the
    undistorted picture, by ``box_center`` and ``box_size`` of the crop. Such a file tells a model of bodies where the
    wrists are (``mmegopose predict --wrists``, :class:`.HandWrists`).

    With a ``template`` the file has exactly its takes and frames, and is checked against it: what is wrong, such as a
    hand whose picture could not be read, is raised as ``ValueError`` after the file was written, so that no prediction
    is lost.

    Args:
        out_file: path of the JSON file; its folder is made if need be.
        template: path of ``ego_pose_gt_anno_test_public.json``, or of an annotation file.
        in_camera: tell hands from the camera. A hand that is seen nowhere in front of it is left out.
        prefix: prefix of the names of the results.

    Raises:
        FileNotFoundError, ValueError: the template is not there, or not of its form.
    """

    default_prefix = 'submission'
    visualization_hook = 'MeshVisualizationHook'

    def __init__(self, out_file: str, template: str | None = None, in_camera: bool = False,
                 prefix: str | None = None):
        super().__init__(prefix)
        self.in_camera = in_camera
        self.out_file = out_file
        self.template = None if template is None else read_hand_poses(template)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the predictions of batched samples.

        Raises:
            KeyError: a sample lacks a field, or the data set does not tell whose hands these are.
            ValueError: it has other joints.
        """
        for sample in data_samples:
            frames, kept = sample['frame_ids'].cpu(), self.skipped.counted(sample)
            if not len(frames):  # nothing of the batch could be read
                continue
            if lacking := [name for name in ('pred_joints', 'crop_mirrored') if name not in sample]:
                raise KeyError(f'EgoExo4DHandSubmission needs the fields {lacking}, a data sample has {sorted(sample)}')
            joints = sample['pred_joints'].detach().float().cpu()
            if joints.shape[2:] != (21, 3):
                raise ValueError(f'a hand has 21 joints, got pred_joints {tuple(joints.shape)}')
            if 'pred_translation' in sample:
                joints = joints - joints[:, :, :1]
            mirrored = sample['crop_mirrored'].cpu()[..., None, None]
            joints = torch.where(mirrored, joints * joints.new_tensor([1, -1, 1]), joints)
            if self.in_camera:
                joints = joints + _places(joints, sample)[..., None, :]
            for row, place in kept.nonzero().tolist():
                hand = self._hand(int(sample['sequence'][row]), int(frames[row, place]))
                self.results.append((hand, joints[row, place].numpy()))

    def _hand(self, sequence: int, frame: int) -> Hand:
        facts = self.dataset_meta['sequences'][sequence]
        return facts['take_uid'], str(frame), facts['side']

    def compute_metrics(self, results: list[tuple]) -> dict[str, int]:
        placed = [(hand, pose) for hand, pose in results if not self.in_camera or np.isfinite(pose).all()]
        if len(placed) < len(results):
            print_log(f'{len(results) - len(placed)} hands are seen nowhere in front of the camera and left out',
                      logger='current', level=logging.WARNING)
        poses = dict(sorted(placed, key=lambda result: (result[0][0], int(result[0][1]), result[0][2])))
        template = self.template
        if template is None:
            template = {}
            for uid, frame, _ in poses:
                template.setdefault(uid, {})[frame] = {}
        else:
            asked = set(wanted_hands(template))
            poses = {hand: pose for hand, pose in poses.items() if hand in asked}
        write_hand_poses(poses, template, self.out_file)
        print_log(f'Wrote {len(poses)} hands of {len(template)} takes to {self.out_file}', logger='current')
        problems = [] if self.template is None else validate_hand_poses(read_hand_poses(self.out_file), template)
        if self.skipped:
            problems.insert(0, f'{len(self.skipped)} hands have no pose, because their pictures could not be read')
        raise_problems(self.out_file, problems)
        return dict(takes=len(template), hands=len(poses))


def _places(joints: torch.Tensor, sample: dict) -> torch.Tensor:
    """Translations ``(B,T,3)`` of hands ``(B,T,21,3)`` that are no longer mirrored; NaN where they are seen nowhere."""
    if lacking := [name for name in ('pred_keypoints', 'box_center', 'box_size') if name not in sample]:
        raise KeyError(f'in_camera=True needs the fields {lacking}: the model should also say where joints are seen, '
                       'JointQueryHead(keypoints=True)')
    side = torch.where(sample['crop_mirrored'].cpu(), -1.0, 1.0)[..., None, None]
    keypoints = sample['pred_keypoints'].detach().float().cpu() * torch.cat([torch.ones_like(side), side], -1)
    arrays = [value.flatten(0, 1).double().numpy() for value in (
        joints, keypoints, sample['box_center'].cpu(), sample['box_size'].cpu())]
    arrays.append(np.tile(PINHOLE, (joints.shape[:2].numel(), 1)))
    return torch.from_numpy(translation_from_crop(*arrays)).unflatten(0, joints.shape[:2]).to(joints)
