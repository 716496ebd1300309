# Tiny image transformers: AdamW with a one-cycle schedule of 2400 iterations.
_base_ = '../runtime/default.py'

optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.01, fused=True),
    clip_grad=dict(max_norm=1.0))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.04, by_epoch=False, end=200),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=200, eta_min=1e-6),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=2400, val_interval=600)
default_hooks = dict(checkpoint=dict(interval=600))
