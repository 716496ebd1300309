# Late fusion: image and drawn 2D pose each on their own through one transformer; the head reads both.
_base_ = [
    '../_base_/datasets/synthetic_hand.py', '../_base_/models/extpose_tiny.py', '../_base_/schedules/tiny_3d.py']

model = dict(backbone=dict(
    type='ExtPose', streams=('image', 'pose_image'), modality='self', frames='none', output='all'))
