# First row of the Level-wise ViT report's ablation: the 3-layer transformer alone.
_base_ = '../levelwise_vit.py'

model = dict(
    _delete_=True,
    type='PoseEstimator',
    backbone=dict(
        type='ViT', embed=dict(type='TrajectoryEmbed', in_dim=16), embed_dim=256, depth=3, num_heads=8, mlp_ratio=8,
        drop_rate=0.1),
    head=dict(type='JointHead', embed_dim=256, hidden_dims=(256,)),
    losses=dict(mpjpe=dict(type='MPJPELoss')))
