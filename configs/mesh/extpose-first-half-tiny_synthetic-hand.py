# ExtPose of which the first half of the blocks is trained, and the head.
_base_ = './extpose-tiny_synthetic-hand.py'

model = dict(backbone=dict(trainable='first_half'))
