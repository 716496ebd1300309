# Second row of the Level-wise ViT report's ablation: the 32-layer transformer alone.
_base_ = '../levelwise_vit.py'

model = dict(
    _delete_=True,
    type='PoseEstimator',
    backbone=dict(
        type='HugeViT', arch='levelwise', embed=dict(type='TrajectoryEmbed', in_dim=16), drop_rate=0.1),
    head=dict(type='JointHead', embed_dim=256, hidden_dims=(256, 128)),
    losses=dict(mpjpe=dict(type='MPJPELoss')))
