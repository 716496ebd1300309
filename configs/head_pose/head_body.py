# Head track to body: a small transformer, causal, any world origin.
_base_ = ['../_base_/datasets/egoexo4d_body.py', '../_base_/schedules/adamw_cosine.py']

model = dict(
    type='PoseEstimator',
    backbone=dict(
        type='ViT', embed=dict(type='TrajectoryEmbed', in_dim=16), embed_dim=256, depth=3, num_heads=8, mlp_ratio=4,
        drop_rate=0.1),
    head=dict(type='JointHead', embed_dim=256, hidden_dims=(256,)),
    losses=dict(mpjpe=dict(type='MPJPELoss')))
