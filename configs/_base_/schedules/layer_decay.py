# AdamW that trains the early layers of a pretrained transformer less than the late ones, as ViTPose does.
_base_ = './adamw_cosine.py'

optim_wrapper = dict(
    optimizer=dict(lr=5e-4, weight_decay=0.1), constructor='LayerDecayOptimWrapperConstructor',
    paramwise_cfg=dict(decay_rate=0.85))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=500),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=500, eta_min=1e-6),
]
train_cfg = dict(max_iters=40000, val_interval=4000)
default_hooks = dict(checkpoint=dict(interval=4000, save_best='auto'))
