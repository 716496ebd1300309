"""Write the submission files of the FreiHAND and HO-3D challenges."""
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dist import all_gather_object, broadcast_object_list, is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from torch import Tensor

from ...files import BadFile
from ...registry import METRICS
from ..submissions.hands import (
    NUM_JOINTS,
    NUM_VERTICES,
    get_challenge,
    validate_hand_submission,
    write_hand_submission,
)

MOST_NAMES = 20  # of missing images in a message


@METRICS.register_module()
class HandSubmission(BaseMetric):
    """Writes the predictions of an evaluation split as its server wants them, one row per image in the official order.

    Reads ``pred_joints (B,T,21,3)``, ``pred_vertices (B,T,778,3)``, ``frame_ids (B,T)`` and, for HO-3D, ``take (B,)``,
    which tell the row, so that samples may come in any order, from any process and more than once. A field
    ``pred_translation (B,T,3)`` moves hands in front of the camera; it assumes a focal length, so only scores after
    alignment mean something. Where ``right (B,T)`` is false, the crop was mirrored, and the hand is mirrored back.

    The rows of images without a prediction (they could not be read) are zero, so that the others keep their place.
    These, and all else that is wrong, are raised as ``ValueError`` after the file was written, so that no prediction is
    lost.

    Args:
        out_file: a ``.json`` file, or a ``.zip`` file that will hold ``pred.json``.
        convention: ``'freihand'``, ``'ho3d_v2'`` or ``'ho3d_v3'``.
        template: path of HO-3D's ``evaluation.txt``, whose lines ``SEQUENCE/FRAME`` are the rows. FreiHAND has none.
        prefix: prefix of the names of the results.

    Raises:
        KeyError: unknown convention.
        ValueError: the template is missing, or is that of another version; another suffix.
        FileNotFoundError, BadFile: the template is not there, or not ``evaluation.txt``.
    """

    default_prefix = 'submission'

    def __init__(self, out_file: str, convention: str = 'freihand', template: str | None = None,
                 prefix: str | None = None):
        super().__init__(prefix=prefix)
        self.num_samples = get_challenge(convention).num_samples
        if Path(out_file).suffix not in ('.json', '.zip'):
            raise ValueError(f'a submission is a .json or a .zip file, got {out_file}')
        if (template is None) != (convention == 'freihand'):
            raise ValueError(f'the rows of HO-3D are the lines of its evaluation.txt, those of FreiHAND its images: '
                             f'convention={convention!r} does not go with template={template!r}')
        self.out_file, self.convention = out_file, convention
        self.rows = None if template is None else _read_template(template)
        if self.rows is not None and len(self.rows) != self.num_samples:
            raise ValueError(f'{template} lists {len(self.rows)} images; {convention} has {self.num_samples}')

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the predictions of batched samples.

        Raises:
            KeyError: a sample lacks a field.
            ValueError: a hand is not that of MANO, or an image is none of the evaluation split.
        """
        for sample in data_samples:
            points = []
            for name, count in (('pred_joints', NUM_JOINTS), ('pred_vertices', NUM_VERTICES)):
                if name not in sample:
                    raise KeyError(f'HandSubmission needs the field {name!r}, but a data sample has only '
                                   f'{sorted(sample)}: does the head have a body model?')
                if sample[name].shape[2:] != (count, 3):
                    raise ValueError(f'{self.convention} wants {name} (B,T,{count},3), the hand of MANO in the joint '
                                     f"order 'openpose', got {tuple(sample[name].shape)}")
                points.append(_in_camera(sample, sample[name].detach().float()).cpu())
            frames = sample['frame_ids'].cpu()
            kept = sample['scored'].cpu().bool() if 'scored' in sample else torch.ones_like(frames, dtype=torch.bool)
            take = sample['sequence'].cpu()[:, None].expand_as(frames) if self.rows is not None else frames
            rows = self._rows(take[kept].tolist(), frames[kept].tolist())
            self.results.append((rows, *(part[kept].numpy() for part in points)))

    def _rows(self, takes: list[int], frames: list[int]) -> np.ndarray:
        """Rows ``(n,)`` of the images of given takes and frame numbers."""
        if self.rows is None:
            names = frames
            rows = [frame if 0 <= frame < self.num_samples else None for frame in frames]
        else:
            names = [(self.dataset_meta['sequences'][take]['uid'], frame) for take, frame in zip(takes, frames)]
            rows = [self.rows.get(name) for name in names]
        if None in rows:
            raise ValueError(f'image {names[rows.index(None)]} is none of the {self.num_samples} of {self.convention}: '
                             'submissions are made from its evaluation split')
        return np.array(rows, np.int64)

    def evaluate(self, size: int) -> dict[str, int]:
        """Bring the hands of all processes together and write them. Every process gets the result, or the error."""
        results = [result for part in all_gather_object(self.results) for result in part]
        self.results.clear()
        outcome = [None]
        if is_main_process():
            try:
                metrics = self.compute_metrics(results)
                outcome[0] = {f'{self.prefix}/{name}': value for name, value in metrics.items()}
            except Exception as error:  # the other processes wait for an answer
                outcome[0] = error
        broadcast_object_list(outcome)
        if isinstance(outcome[0], Exception):
            raise outcome[0]
        return outcome[0]

    def compute_metrics(self, results: list[tuple]) -> dict[str, int]:
        joints, vertices = (np.zeros((self.num_samples, count, 3), np.float32) for count in (NUM_JOINTS, NUM_VERTICES))
        there = np.zeros(self.num_samples, bool)
        for rows, *points in results:
            joints[rows], vertices[rows] = points
            there[rows] = True
        write_hand_submission(joints, vertices, self.out_file, self.convention)
        print_log(f'Wrote {there.sum()} hands to {self.out_file}', logger='current')
        wanted = get_challenge(self.convention)
        problems = validate_hand_submission(
            [joints[:, list(wanted.order)] * np.float32(wanted.axes), vertices * np.float32(wanted.axes)],
            self.convention)
        if not there.all():
            problems.insert(0, f'no prediction for {(~there).sum()} images, whose rows are zero: '
                               f'{self._names(np.flatnonzero(~there))}')
        if problems:
            raise ValueError('\n  '.join([f'{self.out_file} was written, but is not fit to be submitted:', *problems]))
        return dict(hands=len(there))

    def _names(self, rows: np.ndarray) -> str:
        names = [str(row) for row in rows[:MOST_NAMES]]
        if self.rows is not None:
            images = list(self.rows)
            names = [f'{row} ({images[row][0]}/{images[row][1]:04d})' for row in rows[:MOST_NAMES]]
        return ', '.join(names) + (', ...' if len(rows) > MOST_NAMES else '')


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
