# The large transformer.
_base_ = './hp-vit-base_egoexo4d-hand.py'

model = dict(
    backbone=dict(arch='large', init_cfg=dict(
        checkpoint='data/vitpose-large.pth',
        made_by='tools/model_converters/official.py vitpose-l.pth data/vitpose-large.pth')),
    head=dict(embed_dim=1024))
