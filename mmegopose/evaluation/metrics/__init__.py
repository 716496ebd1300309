"""Metrics that mmengine's evaluator runs."""
from .body_pose import BodyPoseMetric
from .dump import DumpPredictions
from .hand_submission import HandSubmission
from .lifting import LiftingMetric, MPIINF3DHPMetric
from .mesh import KeypointPCKMetric, MeshMetric
from .sequence_metric import SequenceMetric
from .submission import BodySubmission

__all__ = ['BodyPoseMetric', 'BodySubmission', 'DumpPredictions', 'HandSubmission', 'KeypointPCKMetric',
           'LiftingMetric', 'MPIINF3DHPMetric', 'MeshMetric', 'SequenceMetric']
