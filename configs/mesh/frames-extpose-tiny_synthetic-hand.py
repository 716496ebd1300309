# ExtPose over frames: the patches of all frames of a window attend to each other in every layer.
_base_ = [
    '../_base_/datasets/synthetic_hand_video.py', '../_base_/models/extpose_tiny.py', '../_base_/schedules/tiny_3d.py']

model = dict(backbone=dict(type='ExtPose', streams=('image',)))
