# A small STCFormer on the open lifting benchmark, sequence to sequence, 27 frames with confidence: 3 layers of 64
# channels, because the published size needs more than minutes on a CPU.
_base_ = [
    '../_base_/datasets/lifting_sample.py', '../_base_/models/stcformer.py',
    '../_base_/schedules/lifting_sample.py']

protocol = 'overlap'
model = dict(
    backbone=dict(in_dim=3, embed_dim=64), neck=dict(embed_dim=64, depth=3, num_heads=4), head=dict(embed_dim=64))
