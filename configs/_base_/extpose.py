# ExtPose at its published size: the transformer of HaMeR and HMR2.0 over images and drawn 2D poses, their losses and
# optimiser (summed losses, batch 8 per GPU on 8 GPUs for hands, 48 for bodies; 1e-5 does not decay). The weights come
# from tools/model_converters/extpose.py.
_base_ = './default_runtime.py'

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
train_dataloader = dict(
    batch_size=8, num_workers=4, persistent_workers=True, collate_fn=dict(type='batch_collate'),
    sampler=dict(type='EndlessSampler'), dataset=dict(type='ImageMeshDataset'))
val_dataloader = dict(
    batch_size=32, num_workers=4, persistent_workers=True, collate_fn=dict(type='batch_collate'),
    sampler=dict(type='DefaultSampler', shuffle=False), dataset=dict(type='ImageMeshDataset', test_mode=True))
test_dataloader = val_dataloader
optim_wrapper = dict(type='AmpOptimWrapper', optimizer=dict(type='AdamW', lr=1e-5, weight_decay=1e-4))
train_cfg = dict(type='IterBasedTrainLoop', max_iters=100000, val_interval=5000)
val_cfg = dict()
test_cfg = dict()
default_hooks = dict(checkpoint=dict(interval=5000))
