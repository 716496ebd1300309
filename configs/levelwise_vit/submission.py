# Level-wise ViT as submitted (46,212,710 parameters): the official baseline's input, post-norm, no positional
# encoding, 100,000 iterations. Report, table 1: 18.09 cm MPJPE, 0.62 m/s MPJVE on the challenge's test set.
_base_ = '../levelwise_vit.py'

post_norm = dict(norm_first=False, pos_embed=None, act='relu')
model = dict(
    embed=dict(in_dim=3),
    branches=dict(coarse=dict(backbone=post_norm), fine=dict(backbone=post_norm)),
    losses=dict(_delete_=True, l1=dict(type='L1Loss')),
    branch_loss_weight=0.0)
pipeline = [
    dict(type='TargetFrame', frame='camera'),
    dict(type='HeadPoseFeatures', kind='translation'),
    dict(type='PackInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=pipeline, window=dict(tempo=(1.0, 1.0))))
val_dataloader = dict(dataset=dict(pipeline=pipeline))
test_dataloader = val_dataloader
optim_wrapper = dict(optimizer=dict(_delete_=True, type='Adam', lr=1e-4), clip_grad=None)
param_scheduler = [dict(type='MultiStepLR', by_epoch=False, milestones=list(range(60000, 420000, 60000)), gamma=0.5)]
train_cfg = dict(max_iters=100000, val_interval=10000)
