# Head track, and wrists where hands are tracked, to the body: a transformer of three layers, causal, any world origin.
# Hands get lost at any time, so one model serves with and without them.
_base_ = ['../_base_/datasets/egoexo4d_body.py', '../_base_/schedules/adamw_cosine.py']

model = dict(
    type='PoseEstimator',
    backbone=dict(
        type='ViT', embed=dict(type='WristEmbed', in_dim=16), embed_dim=256, depth=3, num_heads=8, mlp_ratio=4,
        drop_rate=0.1),
    head=dict(type='JointHead', embed_dim=256, hidden_dims=(256,)),
    losses=dict(mpjpe=dict(type='MPJPELoss')))
lost = dict(lost_frames=0.1, lost_stretches=0.2, lost_hands=0.1, lost_all=0.3, noise=0.005, offset=0.01)
train_dataloader = dict(dataset=dict(
    target_frames='all', pipeline=[*_base_.augment, dict(type='WristPlaces', **lost), *_base_.target]))
val_dataloader = dict(dataset=dict(target_frames='all', pipeline=[dict(type='WristPlaces'), *_base_.target]))
