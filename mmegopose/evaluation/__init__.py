"""Evaluation: pure pose errors, the Ego-Exo4D and lifting protocols, submission files, and mmengine metrics."""
from .functional import (
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
from .metrics import (
    BodyPoseMetric,
    BodySubmission,
    DumpPredictions,
    LiftingMetric,
    MPIINF3DHPMetric,
    SequenceMetric,
)
from .scenarios import PHYSICAL, PROCEDURAL, scenario_of
from .submission import read_submission, score_submission, validate_submission, write_submission

__all__ = ['PHYSICAL', 'PROCEDURAL', 'BodyPoseMetric', 'BodySubmission', 'DumpPredictions', 'LiftingMetric',
           'MPIINF3DHPMetric', 'SequenceMetric', 'acceleration_errors', 'aligned_errors', 'clip_mask', 'joint_errors',
           'masked_mean', 'mpjpe', 'n_mpjpe', 'p_mpjpe', 'read_submission', 'scaled_errors', 'score_submission',
           'scenario_of', 'validate_submission', 'velocity_errors', 'write_submission']
