"""Metrics that mmengine's evaluator runs: they collect the predictions of all processes, score them, or write them.

A metric derives from :class:`SequenceMetric`, which sees whole sequences, or :class:`PoseWiseMetric`, which sees one
pose at a time. It says how its predictions are drawn (``visualization_hook``), which of its results belong into a table
(``table_columns()``), and what simple rules it is to be compared with (``baselines``). Frames that could not be read
are struck off what it expects, and reported.
"""
from .body_pose_metric import BodyPoseMetric
from .body_submission import BodySubmission
from .coco_keypoint_metric import CocoKeypointMetric
from .dump_predictions import DumpPredictions
from .egoexo4d_hand_submission import EgoExo4DHandSubmission
from .hand_submission import HandSubmission
from .keypoint_pck_metric import KeypointPCKMetric
from .lifting_metric import LiftingMetric, MPIINF3DHPMetric
from .mesh_metric import AccelerationMetric, MeshMetric
from .pose_wise_metric import PoseWiseMetric
from .sequence_metric import SequenceMetric

__all__ = ['AccelerationMetric', 'BodyPoseMetric', 'BodySubmission', 'CocoKeypointMetric', 'DumpPredictions',
           'EgoExo4DHandSubmission', 'HandSubmission', 'KeypointPCKMetric', 'LiftingMetric', 'MPIINF3DHPMetric',
           'MeshMetric', 'PoseWiseMetric', 'SequenceMetric']
