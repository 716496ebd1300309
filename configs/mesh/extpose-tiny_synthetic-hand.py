# ExtPose: image and drawn 2D pose attend to each other in every layer of one transformer.
_base_ = [
    '../_base_/datasets/synthetic_hand.py', '../_base_/models/extpose_tiny.py', '../_base_/schedules/tiny_3d.py']

model = dict(backbone=dict(type='ExtPose', streams=('image', 'pose_image')))
