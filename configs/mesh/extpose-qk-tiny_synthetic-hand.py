# ExtPose of which queries and keys alone are trained, and the head.
_base_ = './extpose-tiny_synthetic-hand.py'

model = dict(backbone=dict(trainable='qk'))
optim_wrapper = dict(optimizer=dict(weight_decay=0.0))  # it would shrink the values, which share a weight with them
