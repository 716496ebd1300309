# The image alone, as in HaMeR.
_base_ = '../_base_/extpose_tiny.py'

model = dict(backbone=dict(type='VisionTransformer', stream='image'))
