# Head track, wrists and egocentric video, any of which but the first may be lost.
_base_ = './body_view.py'

model = dict(
    branches=dict(head=dict(backbone=dict(embed=dict(type='WristEmbed')))),
    head=dict(type='WristHead'))
wrists = dict(type='WristPlaces', lost_frames=0.1, lost_stretches=0.2, lost_hands=0.1, noise=0.005, offset=0.01)
drop = dict(type='DropStreams', probs=dict(view=0.5, wrists=0.4))
train_dataloader = dict(dataset=dict(
    target_frames='all', pipeline=[_base_.bright, *_base_.augment, wrists, drop, *_base_.target]))
val_dataloader = dict(dataset=dict(
    target_frames='all', pipeline=[_base_.view, dict(type='WristPlaces'), *_base_.target]))
