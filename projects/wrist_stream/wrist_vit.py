# The coarse transformer over three points: the head of the headset and two wrists, which it loses at times.
_base_ = 'mmegopose::head_pose/levelwise_vit_coarse_only.py'
custom_imports = dict(imports=['projects.wrist_stream'])

points = dict(type='AddThreePoints', lost_frames=0.1, lost_hands=0.1)
model = dict(backbone=dict(embed=dict(type='ThreePointEmbed')), neck=dict(type='HeadToken'))
train_dataloader = dict(dataset=dict(target_frames='all', pipeline=[*_base_.augment, points, *_base_.target]))
val_dataloader = dict(dataset=dict(target_frames='all', pipeline=[points, *_base_.target]))
