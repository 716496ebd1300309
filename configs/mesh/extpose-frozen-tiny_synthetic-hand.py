# ExtPose whose transformer stays as the 2D pre-training made it; the head alone is trained.
_base_ = './extpose-tiny_synthetic-hand.py'

model = dict(backbone=dict(trainable='none'))
