"""Evaluation: from predictions to numbers and files.

``functional`` has the errors as pure functions, ``benchmarks`` how each benchmark uses them, ``metrics`` what runs in
mmengine's evaluator, ``submissions`` the files of challenges, ``baselines`` what simple rules reach. Metres inside;
centimetres, millimetres and per cent only where a benchmark prints them. What could not be read or is not visible never
counts.
"""
from ..structures.egoexo4d_scenarios import PHYSICAL, PROCEDURAL, scenario_of
from .benchmarks.egoexo4d_body_benchmark import clip_mask
from .functional import (
    acceleration_errors,
    aligned_errors,
    joint_errors,
    masked_mean,
    mpjpe,
    n_mpjpe,
    p_mpjpe,
    scaled_errors,
    velocity_errors,
)
from .metrics import (
    AccelerationMetric,
    BodyPoseMetric,
    BodySubmission,
    CocoKeypointMetric,
    DumpPredictions,
    EgoExo4DHandSubmission,
    HandSubmission,
    KeypointPCKMetric,
    LiftingMetric,
    MeshMetric,
    MPIINF3DHPMetric,
    PoseWiseMetric,
    SequenceMetric,
)
from .submissions import read_submission, score_submission, validate_submission, write_submission

__all__ = ['PHYSICAL', 'PROCEDURAL', 'AccelerationMetric', 'BodyPoseMetric', 'BodySubmission', 'CocoKeypointMetric',
           'DumpPredictions', 'EgoExo4DHandSubmission', 'HandSubmission', 'KeypointPCKMetric', 'LiftingMetric',
           'MPIINF3DHPMetric', 'MeshMetric', 'PoseWiseMetric', 'SequenceMetric', 'acceleration_errors',
           'aligned_errors', 'clip_mask', 'joint_errors', 'masked_mean', 'mpjpe', 'n_mpjpe', 'p_mpjpe',
           'read_submission', 'scaled_errors', 'scenario_of', 'score_submission', 'validate_submission',
           'velocity_errors', 'write_submission']
