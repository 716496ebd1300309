# Head track, wrists, egocentric video, features of depth maps, an inertial sensor and gaze: one model for any subset.
# The challenge of Ego-Exo4D forbids gaze: the submission is made without it, and with it would be refused.
_base_ = './body_wrists_view.py'

others = [
    dict(type='FrameFeatures', name='depth_features', files='features/depth/{name}.npz', dim=512, num_frames=4),
    dict(type='InertialReadings', files=('imu/{name}.npz', 'imu/{name}.csv')),
    dict(type='GazeDirections', files='takes/{name}/eye_gaze/general*_eye_gaze.csv'),
]
model = dict(
    branches=dict(
        depth=dict(backbone=dict(
            _base_.vit, depth=1, embed=dict(type='TrajectoryEmbed', stream='depth_features', in_dim=512))),
        imu=dict(backbone=dict(_base_.vit, depth=1, embed=dict(type='TrajectoryEmbed', stream='imu', in_dim=24))),
        gaze=dict(backbone=dict(_base_.vit, depth=1, embed=dict(type='TrajectoryEmbed', stream='gaze', in_dim=3)))),
    fusion=dict(in_dims=dict(head=128, view=128, depth=128, imu=128, gaze=128)))
augment = [dict(type='Mirror', prob=0.5, lose=('depth_features', 'imu')), *_base_.augment[1:]]
drops = [dict(type='DropStreams', probs=dict(wrists=0.4)),
         dict(type='DropStreams', probs=dict(view=0.2, depth_features=0.3, imu=0.3, gaze=0.3), all_prob=0.5)]
train_dataloader = dict(dataset=dict(
    pipeline=[_base_.bright, *others, *augment, _base_.wrists, *drops, *_base_.target]))
val_dataloader = dict(dataset=dict(pipeline=[_base_.view, *others, dict(type='WristPlaces'), *_base_.target]))
submit_dataloader = dict(dataset=dict(
    pipeline=[_base_.view, *others[:-1], dict(type='WristPlaces'), *_base_.target]))
