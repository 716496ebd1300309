# STCFormer on the open lifting benchmark, sequence to sequence, 27 frames with confidence: half the width and two
# thirds of the depth of the published model, minutes on 2 CPU cores.
_base_ = ['../_base_/lifting_sample.py', '../_base_/stcformer.py']

protocol = 'overlap'
model = dict(
    backbone=dict(in_dim=3, embed_dim=128), neck=dict(embed_dim=128, depth=4), head=dict(embed_dim=128))
optim_wrapper = dict(type='AmpOptimWrapper', optimizer=dict(lr=1e-3))
train_cfg = dict(max_iters=400, val_interval=100)
default_hooks = dict(checkpoint=dict(interval=100))
