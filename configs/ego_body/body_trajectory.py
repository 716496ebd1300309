# Body from the head track alone, with which the configs of this folder that read more streams are compared.
# The challenge of Ego-Exo4D allows head poses, inertial sensors and egocentric video; it forbids gaze, audio, and other
# cameras than those of the headset, and what is made of them.
_base_ = ['../_base_/datasets/egoexo4d_body.py', '../_base_/schedules/adamw_cosine.py']

vit = dict(type='ViT', embed_dim=128, num_heads=4, mlp_ratio=4, drop_rate=0.1)
trajectory = dict(vit, depth=3, embed=dict(type='TrajectoryEmbed', in_dim=16))
model = dict(
    type='PoseEstimator',
    backbone=trajectory,
    head=dict(type='JointHead', embed_dim=128, hidden_dims=(256,)),
    losses=dict(mpjpe=dict(type='MPJPELoss')))
train_dataloader = dict(batch_size=32)
train_cfg = dict(max_iters=2000, val_interval=500)
custom_hooks = [dict(type='EMAHook', ema_type='MomentumAnnealingEMA', momentum=0.001, gamma=10)]
