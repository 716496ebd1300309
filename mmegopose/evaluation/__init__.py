"""Evaluation: pure pose errors, the Ego-Exo4D and lifting protocols, submission files, and mmengine metrics."""
from ..structures.egoexo4d_scenarios import PHYSICAL, PROCEDURAL, scenario_of
from .functional.joint_errors import (
    acceleration_errors,
    aligned_errors,
    clip_mask,
    joint_errors,
    masked_mean,
    mpjpe,
    n_mpjpe,
    p_mpjpe,
    scaled_errors,
    velocity_errors,
)
from .metrics import BodyPoseMetric, BodySubmission, DumpPredictions, LiftingMetric, MPIINF3DHPMetric, SequenceMetric
from .submissions.egoexo4d_body import read_submission, score_submission, validate_submission, write_submission

__all__ = ['PHYSICAL', 'PROCEDURAL', 'BodyPoseMetric', 'BodySubmission', 'DumpPredictions', 'LiftingMetric',
           'MPIINF3DHPMetric', 'SequenceMetric', 'acceleration_errors', 'aligned_errors', 'clip_mask', 'joint_errors',
           'masked_mean', 'mpjpe', 'n_mpjpe', 'p_mpjpe', 'read_submission', 'scaled_errors', 'score_submission',
           'scenario_of', 'validate_submission', 'velocity_errors', 'write_submission']
