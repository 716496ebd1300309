"""Errors of joints, keypoints and meshes as pure functions of tensors.

Batched over all leading dimensions, masked by what is visible, in the unit that goes in; what nothing counts for is
NaN. No protocol is decided here: alignments, thresholds and units are arguments.
"""
from .joint_errors import (
    acceleration_errors,
    aligned_errors,
    auc,
    joint_errors,
    masked_mean,
    mpjpe,
    n_mpjpe,
    p_mpjpe,
    pck,
    scaled_errors,
    velocity_errors,
)
from .keypoint_errors import (
    crop_to_image,
    keypoint_pck,
    keypoint_pck_per_joint,
    keypoint_similarity,
    normalized_distances,
)
from .mesh_errors import (
    f_score,
    jitter,
    nearest_distances,
    orthogonal_align,
    pck_area,
    pose_mean,
    scale_translation_align,
)

__all__ = ['acceleration_errors', 'aligned_errors', 'auc', 'crop_to_image', 'f_score', 'jitter', 'joint_errors',
           'keypoint_pck', 'keypoint_pck_per_joint', 'keypoint_similarity', 'masked_mean', 'mpjpe', 'n_mpjpe',
           'nearest_distances', 'normalized_distances', 'orthogonal_align', 'p_mpjpe', 'pck', 'pck_area', 'pose_mean',
           'scale_translation_align', 'scaled_errors', 'velocity_errors']
