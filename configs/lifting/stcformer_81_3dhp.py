# STCFormer, 81 frames, MPI-INF-3DHP with ground-truth 2D. Paper, table 3: PCK 98.7, AUC 83.9, 23.1 mm.
_base_ = './stcformer_27_3dhp.py'

train_dataloader = dict(dataset=dict(num_frames=81))
val_dataloader = dict(dataset=dict(num_frames=81))
