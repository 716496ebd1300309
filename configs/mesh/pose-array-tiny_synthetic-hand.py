# The 2D pose alone, as an array: a token for each joint, of its place and confidence. It starts from nothing.
_base_ = [
    '../_base_/datasets/synthetic_hand.py', '../_base_/models/extpose_tiny.py', '../_base_/schedules/tiny_3d.py']

model = dict(backbone=dict(
    type='ViT', embed=dict(_delete_=True, type='JointEmbed', in_dim=3, stream='pose_array', num_joints=21),
    init_cfg=None))
train_dataloader = dict(dataset=dict(pose_form='array'))
val_dataloader = dict(dataset=dict(pose_form='array'))
