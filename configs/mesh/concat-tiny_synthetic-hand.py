# Image and drawn 2D pose as six channels.
_base_ = [
    '../_base_/datasets/synthetic_hand.py', '../_base_/models/extpose_tiny.py', '../_base_/schedules/tiny_3d.py']

model = dict(backbone=dict(type='ConcatViT', init_cfg=dict(new=('embed.proj.pose',))))
