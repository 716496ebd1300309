# AdamW with a short warm-up and a cosine that ends with the last iteration.
_base_ = '../runtime/default.py'

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=5e-4, weight_decay=1e-2, fused=True),
    clip_grad=dict(max_norm=1.0))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.02, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', by_epoch=False, eta_min=1e-6),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=20000, val_interval=500)
