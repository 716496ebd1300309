# STCFormer's model and loss (Tang et al., CVPR 2023, with the official code).
model = dict(
    type='PoseEstimator',
    backbone=dict(type='JointEmbed', in_dim=2, embed_dim=256, bias=False, act='gelu'),
    neck=dict(type='STC', embed_dim=256, depth=6, num_heads=8),
    head=dict(type='JointHead', embed_dim=256, hidden_dims=(), per_joint=True, output='all', bias=False),
    losses=dict(mpjpe=dict(type='MPJPELoss')),
    test_cfg=dict(flip='h36m17'))
