# HP-ViT at its smallest, from random weights, on a rendered sample: to try the way from data to a submission on a CPU.
# mmegopose synthesize --out data/rendered
_base_ = ['./hp-vit-base_egoexo4d-hand.py']

data_root = 'data/rendered'
model = dict(
    backbone=dict(arch='tiny', init_cfg=None),
    head=dict(embed_dim=96, decoder_dim=64, depth=1))
train_dataloader = dict(batch_size=4, num_workers=0, persistent_workers=False)
val_dataloader = dict(batch_size=4, num_workers=0, persistent_workers=False)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=10),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=10, eta_min=1e-6),
]
train_cfg = dict(max_iters=100, val_interval=100)
default_hooks = dict(checkpoint=dict(interval=100))
