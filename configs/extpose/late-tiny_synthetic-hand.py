# Late fusion: image and drawn 2D pose each on their own through one transformer; the head reads both.
_base_ = '../_base_/extpose_tiny.py'

model = dict(backbone=dict(
    type='ExtPose', streams=('image', 'pose_image'), modality='self', frames='none', output='all'))
