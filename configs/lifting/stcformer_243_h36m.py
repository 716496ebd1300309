# STCFormer, 243 frames, every second frame, Human3.6M with CPN 2D. Paper, table 1: 41.0 mm P1, 32.0 mm P2, which
# averages several models; no weights were released. With keypoints='gt' and post-processing: 21.3 mm.
_base_ = [
    '../_base_/datasets/h36m.py', '../_base_/models/stcformer.py', '../_base_/schedules/stcformer.py']

protocol = 'stcformer'
train_dataloader = dict(batch_size=42, dataset=dict(num_frames=243, frame_step=2, window_stride=3))
val_dataloader = dict(dataset=dict(num_frames=243, frame_step=2))
