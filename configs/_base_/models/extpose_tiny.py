# 3D hands with a tiny transformer that starts from the 2D pre-training; a method config names the backbone's type.
model = dict(
    type='PoseEstimator',
    backbone=dict(
        arch='tiny', embed=dict(type='ConvStem', img_size=(96, 96)),
        init_cfg=dict(type='PretrainedPart', checkpoint='work_dirs/vit-tiny_synthetic-hand-2d/iter_2400.pth',
                      prefix='backbone.',
                      made_by='mmegopose train mmegopose::mesh/vit-tiny_synthetic-hand-2d.py')),
    head=dict(
        type='MeshDecoderHead', embed_dim=96, decoder_dim=96, depth=2, num_heads=4, head_dim=24, mlp_dim=192,
        camera_scale=4.0, body_model=dict(type='SkinnedModel', source='open_hand', joint_order='openpose')),
    losses=dict(
        joints=dict(type='RootRelativeLoss', loss_weight=100.0, reduction='mean'),
        keypoints=dict(type='KeypointLoss', loss_weight=10.0, reduction='mean'),
        global_orient=dict(type='ParameterLoss', name='global_orient', loss_weight=0.1, reduction='mean'),
        body_pose=dict(type='ParameterLoss', name='body_pose', loss_weight=0.5, reduction='mean'),
        betas=dict(type='ParameterLoss', name='betas', loss_weight=0.01, reduction='mean')))
