# MixSTE, 243 frames, Human3.6M with CPN 2D. Paper, table 1, "Ours (CPN, T=243)": 40.9 mm P1, 32.6 mm P2, MPJVE 2.3;
# best epoch on the test subjects. With keypoints='gt': 21.6 mm.
_base_ = [
    '../_base_/datasets/h36m.py', '../_base_/models/mixste.py', '../_base_/schedules/mixste.py']

protocol = 'mixste'
model = dict(neck=dict(num_frames=243))
train_dataloader = dict(batch_size=4, dataset=dict(num_frames=243))  # 1024 // T windows
val_dataloader = dict(dataset=dict(num_frames=243))
