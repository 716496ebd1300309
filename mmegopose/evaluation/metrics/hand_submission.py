"""Write the submission files of the FreiHAND and HO-3D challenges."""
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import print_log
from torch import Tensor

from ...files import BadFile
from ...registry import METRICS
from ..submissions.hand_file import (
    MANO_JOINTS,
    MANO_VERTICES,
    get_challenge,
    validate_hand_submission,
    write_hand_submission,
)
from ..submissions.submission_checks import name_first, raise_problems
from .gathering import GatheredMetric

MAX_LISTED_IMAGES = 20


@METRICS.register_module()
class HandSubmission(GatheredMetric):
    """Writes the predictions of an evaluation split as its server wants them, one row per image in the official order.

    Reads ``pred_joints (B,T,21,3)``, ``pred_vertices (B,T,778,3)``, ``frame_ids (B,T)`` and, for HO-3D, ``sequence
    (B,)``, which tell the row, so that samples may come in any order, from any process and more than once. A field
    ``pred_translation (B,T,3)`` moves hands in front of the camera; it assumes a focal length, so only scores after
    alignment mean something. Where ``right (B,T)`` is false, the crop was mirrored, and the hand is mirrored back.

    The rows of images without a prediction (they could not be read) are zero, so that the others keep their place.
    These, and all else that is wrong, are raised as ``ValueError`` after the file was written, so that no prediction is
    lost.

    Args:
        out_file: a ``.json`` file, or a ``.zip`` file that will hold ``pred.json``.
        challenge: ``'freihand'``, ``'ho3d_v2'`` or ``'ho3d_v3'``.
        template: path of HO-3D's ``evaluation.txt``, whose lines ``SEQUENCE/FRAME`` are the rows. FreiHAND has none.
        prefix: prefix of the names of the results.

    Raises:
        KeyError: unknown challenge.
        ValueError: the template is missing, or is that of another version; another suffix.
        FileNotFoundError, BadFile: the template is not there, or not ``evaluation.txt``.
    """

    default_prefix = 'submission'
    visualization_hook = 'MeshVisualizationHook'

    def __init__(self, out_file: str, challenge: str = 'freihand', template: str | None = None,
                 prefix: str | None = None):
        super().__init__(prefix)
        self.num_samples = get_challenge(challenge).num_samples
        if Path(out_file).suffix not in ('.json', '.zip'):
            raise ValueError(f'a submission is a .json or a .zip file, got {out_file}')
        if (template is None) != (challenge == 'freihand'):
            raise ValueError(f'the rows of HO-3D are the lines of its evaluation.txt, those of FreiHAND its images: '
                             f'challenge={challenge!r} does not go with template={template!r}')
        self.out_file, self.challenge = out_file, challenge
        self.rows = None if template is None else _read_template(template)
        if self.rows is not None and len(self.rows) != self.num_samples:
            raise ValueError(f'{template} lists {len(self.rows)} images; {challenge} has {self.num_samples}')

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the predictions of batched samples.

        Raises:
            KeyError: a sample lacks a field.
            ValueError: a hand is not that of MANO, or an image is none of the evaluation split.
        """
        for sample in data_samples:
            frames, kept = sample['frame_ids'].cpu(), self.skipped.counted(sample)
            if not len(frames):  # nothing of the batch could be read
                continue
            points = []
            for name, count in (('pred_joints', MANO_JOINTS), ('pred_vertices', MANO_VERTICES)):
                if name not in sample:
                    raise KeyError(f'HandSubmission needs the field {name!r}, but a data sample has only '
                                   f'{sorted(sample)}: does the head have a body model?')
                if sample[name].shape[2:] != (count, 3):
                    raise ValueError(f'{self.challenge} wants {name} (B,T,{count},3), the hand of MANO in the joint '
                                     f"order 'openpose', got {tuple(sample[name].shape)}")
                points.append(_in_camera(sample, sample[name].detach().float()).cpu())
            sequence = sample['sequence'].cpu()[:, None].expand_as(frames) if self.rows is not None else frames
            rows = self._rows(sequence[kept].tolist(), frames[kept].tolist())
            self.results.append((rows, *(part[kept].numpy() for part in points)))

    def _rows(self, sequences: list[int], frames: list[int]) -> np.ndarray:
        """Rows ``(n,)`` of the images of given sequences and frame numbers."""
        if self.rows is None:
            names = frames
            rows = [frame if 0 <= frame < self.num_samples else None for frame in frames]
        else:
            names = [(self.dataset_meta['sequences'][sequence]['uid'], frame)
                     for sequence, frame in zip(sequences, frames)]
            rows = [self.rows.get(name) for name in names]
        if None in rows:
            raise ValueError(f'image {names[rows.index(None)]} is none of the {self.num_samples} of {self.challenge}: '
                             'submissions are made from its evaluation split')
        return np.array(rows, np.int64)

    def compute_metrics(self, results: list[tuple]) -> dict[str, int]:
        joints, vertices = (np.zeros((self.num_samples, points, 3), np.float32)
                            for points in (MANO_JOINTS, MANO_VERTICES))
        there = np.zeros(self.num_samples, bool)
        for rows, *points in results:
            joints[rows], vertices[rows] = points
            there[rows] = True
        write_hand_submission(joints, vertices, self.out_file, self.challenge)
        print_log(f'Wrote {there.sum()} hands to {self.out_file}', logger='current')
        wanted = get_challenge(self.challenge)
        axes = np.array(wanted.axes, np.float32)
        problems = validate_hand_submission(
            [joints[:, list(wanted.order)] * axes, vertices * axes],
            self.challenge)
        if not there.all():
            problems.insert(0, f'no prediction for {(~there).sum()} images, whose rows are zero: '
                               f'{self._names(np.flatnonzero(~there))}')
        raise_problems(self.out_file, problems)
        return dict(hands=len(there))

    def _names(self, rows: np.ndarray) -> str:
        if self.rows is None:
            return name_first(rows, MAX_LISTED_IMAGES)
        images = list(self.rows)
        return name_first([f'{row} ({images[row][0]}/{images[row][1]:04d})' for row in rows], MAX_LISTED_IMAGES)


def _in_camera(sample: dict, points: Tensor) -> Tensor:
    """Points ``(B,T,P,3)`` of the body model, or of a mirrored crop, in the camera of the image."""
    if 'pred_translation' in sample:
        points = points + sample['pred_translation'].detach().to(points)[..., None, :]
    if 'right' in sample:
        side = torch.where(sample['right'].bool(), 1.0, -1.0).to(points)                 # (B,T)
        points = points * torch.stack([side, side.abs(), side.abs()], -1)[..., None, :]
    return points


def _read_template(path: str) -> dict[tuple[str, int], int]:
    """Row of each image ``(sequence, frame)`` of HO-3D's ``evaluation.txt``."""
    rows = {}
    for line in Path(path).read_text().split():
        sequence, _, frame = line.rpartition('/')
        if not sequence or not frame.isdecimal() or (sequence, int(frame)) in rows:
            raise BadFile(f'{path} should list every image once as SEQUENCE/FRAME, got {line!r}; it is evaluation.txt '
                          'of HO-3D')
        rows[sequence, int(frame)] = len(rows)
    return rows
