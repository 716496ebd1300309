# STCFormer, 27 frames, MPI-INF-3DHP with ground-truth 2D. Paper, table 3: PCK 98.4, AUC 83.4, 24.2 mm. As in the
# official code four heads, scaled by the width, and an output in millimetres.
_base_ = [
    '../_base_/datasets/mpi_inf_3dhp.py', '../_base_/models/stcformer.py', '../_base_/schedules/stcformer.py']

protocol = 'stcformer'
model = dict(
    neck=dict(num_heads=4, parts='mpi_inf_3dhp17', attn_scale=256 ** -0.5), head=dict(scale=1e-3),
    test_cfg=dict(flip='mpi_inf_3dhp17'))
train_dataloader = dict(batch_size=42, dataset=dict(num_frames=27, window_stride=3))
val_dataloader = dict(dataset=dict(num_frames=27))
