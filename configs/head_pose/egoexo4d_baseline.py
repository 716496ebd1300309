# The official Ego-Exo4D body-pose baseline: 3 post-norm layers over 20 annotated frames, camera-frame targets.
# Its released weights: tools/model_converters/official.py. Published: 18.51 cm MPJPE, 0.64 m/s MPJVE (test).
_base_ = ['../_base_/datasets/egoexo4d_body.py', '../_base_/schedules/adamw_cosine.py']

model = dict(
    type='PoseEstimator',
    backbone=dict(
        type='ViT', embed=dict(type='TrajectoryEmbed', in_dim=3), embed_dim=256, depth=3, num_heads=8, mlp_ratio=8,
        norm_first=False, pos_embed=None, act='relu', drop_rate=0.1, attn_drop_rate=0.1),
    head=dict(type='JointHead', embed_dim=256, hidden_dims=(256,)),
    losses=dict(l1=dict(type='L1Loss')))
target = [dict(type='TargetFrame', frame='camera'), dict(type='HeadPoseFeatures', kind='translation')]
train_dataloader = dict(batch_size=24, dataset=dict(
    labels='automatic', windows=dict(_delete_=True, type='AnnotatedWindows', num_frames=20),
    pipeline=[*target, dict(type='PackInputs')]))
# The released inference looks at 21 frames, fewer where a take begins.
val_dataloader = dict(dataset=dict(
    windows=dict(_delete_=True, type='AnnotatedWindows', num_frames=21),
    pipeline=[*target, dict(type='PackInputs', padding_mask=True)]))
optim_wrapper = dict(optimizer=dict(_delete_=True, type='Adam', lr=1e-4), clip_grad=None)
param_scheduler = [dict(type='MultiStepLR', by_epoch=False, milestones=list(range(60000, 420000, 60000)), gamma=0.5)]
train_cfg = dict(max_iters=100000, val_interval=10000)
