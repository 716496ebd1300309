# The same with the wrists, where hands are tracked. They get lost at any time: one model serves with and without.
_base_ = './head_body.py'

model = dict(backbone=dict(embed=dict(type='WristEmbed')), head=dict(type='WristHead'))
lost = dict(lost_frames=0.1, lost_stretches=0.2, lost_hands=0.1, lost_all=0.3, noise=0.005, offset=0.01)
train_dataloader = dict(dataset=dict(pipeline=[*_base_.augment, dict(type='WristPlaces', **lost), *_base_.target]))
val_dataloader = dict(dataset=dict(target_frames='all', pipeline=[dict(type='WristPlaces'), *_base_.target]))
