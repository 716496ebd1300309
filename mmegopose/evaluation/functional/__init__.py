"""Errors of joints, keypoints and meshes as functions of tensors."""
