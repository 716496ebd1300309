# STCFormer, 27 frames, every third frame, Human3.6M with CPN 2D. Paper, table 4: 44.1 mm P1 (released weights:
# 44.08 mm P1, 34.76 mm P2). Best results come at epochs 5 to 10.
_base_ = [
    '../_base_/datasets/h36m.py', '../_base_/models/stcformer.py', '../_base_/schedules/stcformer.py']

protocol = 'stcformer'
train_dataloader = dict(batch_size=42, dataset=dict(num_frames=27, frame_step=3, window_stride=3))
val_dataloader = dict(dataset=dict(num_frames=27, frame_step=3))
