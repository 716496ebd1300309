# A small MixSTE on the open lifting benchmark, 27 frames with confidence: 3 pairs of layers of 64 channels.
_base_ = [
    '../_base_/datasets/lifting_sample.py', '../_base_/models/mixste.py',
    '../_base_/schedules/lifting_sample.py']

protocol = 'overlap'
model = dict(
    backbone=dict(in_dim=3, embed_dim=64), neck=dict(embed_dim=64, depth=3, num_heads=4, num_frames=27),
    head=dict(embed_dim=64))
