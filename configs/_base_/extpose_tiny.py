# 3D hands with a tiny transformer that starts from the 2D pre-training; a method config names the backbone's type.
_base_ = './synthetic_hand.py'

pretrained = 'work_dirs/vit-tiny_synthetic-hand-2d/iter_2400.pth'
model = dict(
    type='PoseEstimator',
    backbone=dict(
        arch=None, embed_dim=96, depth=4, num_heads=4, img_size=(96, 96), conv_stem=True,
        init_cfg=dict(type='PretrainedPart', checkpoint=pretrained, prefix='branches.main.backbone.')),
    head=dict(
        type='MeshDecoderHead', embed_dim=96, decoder_dim=96, depth=2, num_heads=4, head_dim=24, mlp_dim=192,
        camera_scale=4.0, body_model=dict(type='SkinnedModel', source='open_hand', joint_order='openpose')),
    losses=dict(
        joints=dict(type='RootRelativeLoss', loss_weight=100.0, reduction='mean'),
        keypoints=dict(type='KeypointLoss', loss_weight=10.0, reduction='mean'),
        global_orient=dict(type='ParameterLoss', name='global_orient', loss_weight=0.1, reduction='mean'),
        body_pose=dict(type='ParameterLoss', name='body_pose', loss_weight=0.5, reduction='mean'),
        betas=dict(type='ParameterLoss', name='betas', loss_weight=0.01, reduction='mean')))
optim_wrapper = dict(optimizer=dict(lr=6e-4))
train_cfg = dict(max_iters=1200, val_interval=600)
default_hooks = dict(checkpoint=dict(interval=600))
val_evaluator = [
    dict(type='MeshMetric', convention='freihand'),
    dict(type='KeypointPCKMetric'),
]
test_evaluator = val_evaluator
