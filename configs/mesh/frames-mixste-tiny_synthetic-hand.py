# Each frame on its own, and the features of a patch over the frames by two pairs of blocks of MixSTE.
_base_ = [
    '../_base_/datasets/synthetic_hand_video.py', '../_base_/models/extpose_tiny.py', '../_base_/schedules/tiny_3d.py']

model = dict(
    backbone=dict(type='ViT', embed=dict(stream='image')),
    neck=dict(type='MixSTE', embed_dim=96, depth=2, num_heads=4, num_tokens=36, num_frames=4))
