# STCFormer, 81 frames, every third frame, Human3.6M with CPN 2D. Paper, table 1: 42.0 mm P1, which averages several
# models; the released single model has 41.72 mm P1, 32.94 mm P2.
_base_ = [
    '../_base_/datasets/h36m.py', '../_base_/models/stcformer.py', '../_base_/schedules/stcformer.py']

protocol = 'stcformer'
train_dataloader = dict(batch_size=42, dataset=dict(num_frames=81, frame_step=3, window_stride=3))
val_dataloader = dict(dataset=dict(num_frames=81, frame_step=3))
