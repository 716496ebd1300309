# Image and drawn 2D pose as six channels.
_base_ = '../_base_/extpose_tiny.py'

model = dict(backbone=dict(type='ConcatViT', init_cfg=dict(new=('patch_embed.proj.pose',))))
