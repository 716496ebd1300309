# MotionBERT's model and losses (Zhu et al., ICCV 2023, with the official code). The input is x, y and confidence;
# output and losses are in screen units. The neck initialises itself.
init = dict(type='TruncNormal', layer='Linear', std=0.02)
model = dict(
    type='PoseEstimator',
    backbone=dict(type='JointEmbed', in_dim=3, embed_dim=512),
    neck=dict(type='DSTformer', embed_dim=512, depth=5, num_heads=8, mlp_ratio=2),
    head=dict(
        type='JointHead', embed_dim=512, hidden_dims=(512,), per_joint=True, output='all', act='tanh', norm=True,
        norm_eps=1e-6, init_cfg=init),
    losses=dict(
        mpjpe=dict(type='MPJPELoss'), scale=dict(type='NMPJPELoss', loss_weight=0.5),
        velocity=dict(type='VelocityLoss', fps=None, loss_weight=20.0)),
    test_cfg=dict(flip='h36m17'),
    init_cfg=dict(type='TruncNormal', layer=[], override=dict(init, name='backbone')))
