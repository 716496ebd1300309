# HP-ViT: the transformer of ViTPose, from whose weights it starts, and one query for each joint. Beyond the paper, the
# queries also tell where joints are seen, and so where the hand is in the camera.
model = dict(
    type='PoseEstimator',
    backbone=dict(
        type='ViT', arch='base', embed=dict(type='PatchEmbed'),
        init_cfg=dict(type='PretrainedPart', checkpoint='data/vitpose-base.pth', prefix='backbone.',
                      made_by='tools/model_converters/official.py vitpose-b.pth data/vitpose-base.pth')),
    head=dict(type='JointQueryHead', embed_dim=768, deviations=True, keypoints=True),
    losses=dict(
        joints=dict(type='MPJPELoss'),
        keypoints=dict(type='KeypointLoss', loss_weight=0.1, reduction='mean'),
        likelihood=dict(type='ResidualLikelihoodLoss', loss_weight=0.01)))
