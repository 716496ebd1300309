# ExtPose: image and drawn 2D pose attend to each other in every layer of one transformer.
_base_ = '../_base_/extpose_tiny.py'

model = dict(backbone=dict(type='ExtPose', streams=('image', 'pose_image')))
