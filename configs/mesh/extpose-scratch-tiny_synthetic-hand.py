# ExtPose without the 2D pre-training.
_base_ = './extpose-tiny_synthetic-hand.py'

model = dict(backbone=dict(init_cfg=None))
