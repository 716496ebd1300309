# A hand model for demonstrations, on rendered hands: ControlNet, longer and in smaller batches than the ablation,
# with more weight on the fingers.
_base_ = './controlnet-tiny_synthetic-hand.py'

model = dict(
    backbone=dict(init_cfg=dict(
        checkpoint='work_dirs/vit-tiny_synthetic-hand-2d/iter_500.pth',
        made_by='mmegopose train mmegopose::mesh/vit-tiny_synthetic-hand-2d.py --cfg-options '
                'train_cfg.max_iters=500 train_cfg.val_interval=500')),
    losses=dict(body_pose=dict(loss_weight=3.0)))
train_dataloader = dict(batch_size=16, dataset=dict(num_samples=64000))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.04, by_epoch=False, end=200),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=200, end=1600, T_max=3800, eta_min=1e-6),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=1600, eta_min=1e-6),
]
train_cfg = dict(max_iters=2000, val_interval=1000)
