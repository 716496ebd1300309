"""Metrics that mmengine's evaluator runs."""
from .body_pose_metric import BodyPoseMetric
from .body_submission import BodySubmission
from .dump_predictions import DumpPredictions
from .hand_submission import HandSubmission
from .lifting_metric import LiftingMetric, MPIINF3DHPMetric
from .mesh_metric import KeypointPCKMetric, MeshMetric
from .sequence_metric import SequenceMetric

__all__ = ['BodyPoseMetric', 'BodySubmission', 'DumpPredictions', 'HandSubmission', 'KeypointPCKMetric',
           'LiftingMetric', 'MPIINF3DHPMetric', 'MeshMetric', 'SequenceMetric']
