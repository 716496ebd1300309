# Head track, wrists, egocentric video, features of depth maps, an inertial sensor and gaze: one model for any subset.
# The challenge of Ego-Exo4D forbids gaze: the submission is made without it, and with it would be refused.
_base_ = './body_view.py'

streams = [
    _base_.view,
    dict(type='FrameFeatures', name='depth_features', files='features/depth/{name}.npz', dim=512, num_frames=4),
    dict(type='InertialReadings', files=('imu/{name}.npz', 'imu/{name}.csv')),
    dict(type='GazeDirections', files='takes/{name}/eye_gaze/general*_eye_gaze.csv'),
]
model = dict(
    branches=dict(
        head=dict(backbone=dict(embed=dict(type='WristEmbed'))),
        depth=dict(backbone=dict(
            _base_.vit, depth=1, embed=dict(type='TrajectoryEmbed', stream='depth_features', in_dim=512))),
        imu=dict(backbone=dict(_base_.vit, depth=1, embed=dict(type='TrajectoryEmbed', stream='imu', in_dim=24))),
        gaze=dict(backbone=dict(_base_.vit, depth=1, embed=dict(type='TrajectoryEmbed', stream='gaze', in_dim=3)))),
    fusion=dict(in_dims=dict(head=128, view=128, depth=128, imu=128, gaze=128)),
    head=dict(type='WristHead'))
augment = [dict(type='Mirror', prob=0.5, lose=('depth_features', 'imu')), *_base_.augment[1:]]
wrists = dict(type='WristPlaces', lost_frames=0.1, lost_stretches=0.2, lost_hands=0.1, noise=0.005, offset=0.01)
drop = dict(type='DropStreams', all_prob=0.2, probs=dict(
    wrists=0.3, view=0.3, depth_features=0.3, imu=0.3, gaze=0.3))
train_dataloader = dict(dataset=dict(target_frames='all', pipeline=[*streams, *augment, wrists, drop, *_base_.target]))
val_dataloader = dict(dataset=dict(target_frames='all', pipeline=[*streams, dict(type='WristPlaces'), *_base_.target]))
submit_dataloader = dict(dataset=dict(pipeline=[*streams[:-1], dict(type='WristPlaces'), *_base_.target]))
