# ControlNet: a copy of the transformer reads the drawn 2D pose and adds to that of the image.
_base_ = [
    '../_base_/datasets/synthetic_hand.py', '../_base_/models/extpose_tiny.py', '../_base_/schedules/tiny_3d.py']

model = dict(backbone=dict(type='ControlNetViT', init_cfg=dict(new=(r'control\..*', r'zero\..*'))))
