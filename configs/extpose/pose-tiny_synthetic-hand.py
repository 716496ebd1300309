# The drawn 2D pose alone.
_base_ = '../_base_/extpose_tiny.py'

model = dict(backbone=dict(type='VisionTransformer', stream='pose_image'))
