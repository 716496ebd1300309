# The huge transformer.
_base_ = './hp-vit-base_egoexo4d-hand.py'

model = dict(
    backbone=dict(arch='huge', init_cfg=dict(
        checkpoint='data/vitpose-huge.pth',
        made_by='tools/model_converters/official.py vitpose-h.pth data/vitpose-huge.pth')),
    head=dict(embed_dim=1280))
