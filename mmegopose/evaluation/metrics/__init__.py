"""Metrics that mmengine's evaluator runs."""
from .body_pose import BodyPoseMetric
from .dump import DumpPredictions
from .lifting import LiftingMetric, MPIINF3DHPMetric
from .mesh import KeypointPCKMetric, MeshMetric
from .sequence_metric import SequenceMetric
from .submission import BodySubmission

__all__ = ['BodyPoseMetric', 'BodySubmission', 'DumpPredictions', 'KeypointPCKMetric', 'LiftingMetric',
           'MPIINF3DHPMetric', 'MeshMetric', 'SequenceMetric']
