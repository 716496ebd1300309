# ExtPose at its published size: the transformer of HaMeR and HMR2.0 over images and drawn 2D poses, and their losses,
# which are summed. A config gives the head its body model and load_from its weights.
model = dict(
    type='PoseEstimator',
    backbone=dict(type='ExtPose', arch='huge', streams=('image', 'pose_image')),
    head=dict(type='MeshDecoderHead', embed_dim=1280),
    losses=dict(
        joints=dict(type='RootRelativeLoss', loss_weight=0.05),
        keypoints=dict(type='KeypointLoss', loss_weight=0.01),
        global_orient=dict(type='ParameterLoss', name='global_orient', loss_weight=0.001),
        body_pose=dict(type='ParameterLoss', name='body_pose', loss_weight=0.001),
        betas=dict(type='ParameterLoss', name='betas', loss_weight=0.0005, regularize=True)))
