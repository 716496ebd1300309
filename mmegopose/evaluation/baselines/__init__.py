"""What simple rules reach, which a trained model should beat.

Each function takes the configs of the training and validation data and of the metrics, and returns the results by
rule and name. A metric names the function for its data as its attribute ``baselines``.
"""
from .head_pose_baselines import evaluate_head_pose_baselines, head_pose_rules
from .lifting_baselines import evaluate_lifting_baselines, lifting_rules
from .ridge import Ridge

__all__ = ['Ridge', 'evaluate_head_pose_baselines', 'evaluate_lifting_baselines', 'head_pose_rules', 'lifting_rules']
