# Head track and wrists: those of the labels, which get lost as trackers lose them. A test has those of the labels, too,
# unless its pipeline begins with what the hand task has found: dict(type='HandWrists', file='hands.json').
_base_ = './body_trajectory.py'

model = dict(backbone=dict(embed=dict(type='WristEmbed')), head=dict(type='WristHead'))
lost = dict(lost_frames=0.1, lost_stretches=0.2, lost_hands=0.1, lost_all=0.3, noise=0.005, offset=0.01)
train_dataloader = dict(dataset=dict(
    target_frames='all', pipeline=[*_base_.augment, dict(type='WristPlaces', **lost), *_base_.target]))
val_dataloader = dict(dataset=dict(target_frames='all', pipeline=[dict(type='WristPlaces'), *_base_.target]))
