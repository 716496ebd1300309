# STCFormer, 9 frames, MPI-INF-3DHP with ground-truth 2D. Paper, table 3: PCK 98.2, AUC 81.5, 28.2 mm.
_base_ = './stcformer_27_3dhp.py'

train_dataloader = dict(dataset=dict(num_frames=9))
val_dataloader = dict(dataset=dict(num_frames=9))
