# Level-wise ViT (Ego-Exo4D body-pose challenge 2024, SJTU-SEIEE): a coarse and a deep transformer read the same
# embedded head trajectory; their outputs are weighed 0.1 and 0.9. Pre-norm, so that the 32 layers train at once.
_base_ = ['_base_/datasets/egoexo4d_body.py', '_base_/schedules/adamw_cosine.py']

model = dict(
    type='PoseEstimator',
    embed=dict(type='TrajectoryEmbed', in_dim=16, embed_dim=256),
    branches=dict(
        coarse=dict(
            backbone=dict(type='ViT', embed_dim=256, depth=3, num_heads=8, mlp_ratio=8, drop_rate=0.1),
            head=dict(type='JointHead', embed_dim=256, hidden_dims=(256,))),
        fine=dict(
            backbone=dict(type='HugeViT', arch='levelwise', drop_rate=0.1),
            head=dict(type='JointHead', embed_dim=256, hidden_dims=(256, 128)))),
    fusion=dict(type='WeightedFusion', weights=dict(coarse=0.1, fine=0.9)),
    losses=dict(mpjpe=dict(type='MPJPELoss')),
    branch_loss_weight=0.5)
