"""How Ego-Exo4D scores hands.

Follows the official evaluator (EGO4D/ego-exo4d-egopose, handpose/evaluation/evaluate.py): errors of the valid joints in
the camera frame, as they are and after a similarity transform that cannot mirror; every hand weighs the same, however
many joints it has. Its option ``--offset`` is :attr:`.PoseRules.offset`, for predictions relative to the wrist.
"""
from .pose_rules import PoseRules

EGOEXO4D_HAND = PoseRules()
