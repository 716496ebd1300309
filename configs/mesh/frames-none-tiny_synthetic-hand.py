# Each frame of a window on its own.
_base_ = [
    '../_base_/datasets/synthetic_hand_video.py', '../_base_/models/extpose_tiny.py', '../_base_/schedules/tiny_3d.py']

model = dict(backbone=dict(type='ExtPose', streams=('image',), frames='none'))
