# MotionBERT from scratch, 243 frames, Human3.6M with Stacked Hourglass 2D (MB_train_h36m.yaml). Official model list:
# 39.2 mm P1. With keypoints='gt' it is MotionBERT's gt_2d, but for x and y, which its test copies from the input.
_base_ = [
    '../_base_/datasets/h36m_2_5d.py', '../_base_/models/motionbert.py', '../_base_/schedules/motionbert.py']

protocol = 'motionbert_2_5d'
train_dataloader = dict(batch_size=32, dataset=dict(num_frames=243))  # windows start every 81 frames
val_dataloader = dict(dataset=dict(num_frames=243))
