# MixSTE, 27 frames, Human3.6M with CPN 2D. Paper, ablation of the sequence length, T=27: 45.1 mm P1.
_base_ = [
    '../_base_/datasets/h36m.py', '../_base_/models/mixste.py', '../_base_/schedules/mixste.py']

protocol = 'mixste'
model = dict(neck=dict(num_frames=27))
train_dataloader = dict(batch_size=37, dataset=dict(num_frames=27))  # 1024 // T windows
val_dataloader = dict(dataset=dict(num_frames=27))
