# MixSTE, 81 frames, Human3.6M with CPN 2D. Paper, table 1, "Ours (CPN, T=81)": 42.4 mm P1, 33.9 mm P2.
# With keypoints='gt': 25.9 mm.
_base_ = [
    '../_base_/datasets/h36m.py', '../_base_/models/mixste.py', '../_base_/schedules/mixste.py']

protocol = 'mixste'
model = dict(neck=dict(num_frames=81))
train_dataloader = dict(batch_size=12, dataset=dict(num_frames=81))  # 1024 // T windows
val_dataloader = dict(dataset=dict(num_frames=81))
