# Synthetic hands for small models: 96 x 96 crops of limited rotation, drawn while training runs, with the errors of a
# 2D detector in the pose image. AdamW with a one-cycle schedule.
_base_ = './default_runtime.py'

img_size = (96, 96)
dataset = dict(type='SyntheticMeshDataset', image_size=img_size, body='open_hand', rotation='limited')
loader = dict(num_workers=1, persistent_workers=True, collate_fn=dict(type='batch_collate'))
train_dataloader = dict(
    **loader, batch_size=32, sampler=dict(type='EndlessSampler'),
    dataset=dict(**dataset, split='train', length=9600))
val_dataloader = dict(
    **loader, batch_size=100, sampler=dict(type='SequenceSampler'), batch_sampler=dict(type='SequenceBatchSampler'),
    dataset=dict(**dataset, split='val', length=600))
test_dataloader = val_dataloader
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.01, fused=True),
    clip_grad=dict(max_norm=1.0))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.04, by_epoch=False, end=200),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=200, eta_min=1e-6),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=2400, val_interval=600)
default_hooks = dict(checkpoint=dict(interval=600))
val_cfg = dict()
test_cfg = dict()
