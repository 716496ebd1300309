# MixSTE's model and losses (Zhang et al., CVPR 2022, with the official code).
model = dict(
    type='PoseEstimator',
    backbone=dict(type='JointEmbed', in_dim=2, embed_dim=512),
    neck=dict(type='MixSTE', embed_dim=512, depth=8, num_heads=8, mlp_ratio=2, drop_path_rate=0.1),
    head=dict(type='JointHead', embed_dim=512, hidden_dims=(), per_joint=True, output='all', norm=True),
    losses=dict(
        mpjpe=dict(type='MPJPELoss', joint_weights='mixste_h36m17'),
        smooth=dict(type='TemporalConsistencyLoss', joint_weights='mixste_h36m17', loss_weight=0.5),
        velocity=dict(type='VelocityLoss', fps=None, loss_weight=2.0)),
    test_cfg=dict(flip='h36m17'))
