# 2D poses of any camera to 3D: one token for the pose of a frame, in coordinates of the person's own box. It trains on
# motion capture that random cameras and detectors see; val is the open lifting benchmark.
_base_ = ['../_base_/datasets/lifting_sample.py', '../_base_/schedules/adamw_cosine.py']

protocol = 'overlap'
model = dict(
    type='PoseEstimator',
    backbone=dict(
        type='ViT', embed=dict(type='PoseEmbed'), embed_dim=256, depth=4, num_heads=8, mlp_ratio=4),
    head=dict(type='JointHead', embed_dim=256, hidden_dims=(512,), output='all', act='gelu'),
    losses=dict(
        mpjpe=dict(type='MPJPELoss'), velocity=dict(type='VelocityLoss', loss_weight=2.0, fps=None),
        bones=dict(type='BoneLengthLoss', skeleton='h36m17', loss_weight=0.5)),
    test_cfg=dict(flip='h36m17'))
train_dataloader = dict(batch_size=64, dataset=dict(
    _delete_=True, type='RandomViewDataset', split='train', num_frames=27, window_stride=9))
val_dataloader = dict(dataset=dict(padding_mask=True))
optim_wrapper = dict(optimizer=dict(lr=8e-4, weight_decay=0.05))
train_cfg = dict(max_iters=10000, val_interval=1000)
custom_hooks = [dict(type='EMAHook', ema_type='MomentumAnnealingEMA', momentum=0.001, gamma=10)]
