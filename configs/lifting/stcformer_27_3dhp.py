# STCFormer, 27 frames, MPI-INF-3DHP with ground-truth 2D. Paper, table 3: PCK 98.4, AUC 83.4, 24.2 mm. As in the
# official code four heads, scaled by the width; output and loss in millimetres; 128 windows of T + 2 frames in a batch.
_base_ = [
    '../_base_/datasets/mpi_inf_3dhp.py', '../_base_/models/stcformer.py', '../_base_/schedules/stcformer.py']

protocol = 'stcformer_3dhp'
model = dict(
    neck=dict(num_heads=4, parts='mpi_inf_3dhp17', attn_scale=256 ** -0.5), head=dict(scale=1e-3),
    losses=dict(mpjpe=dict(loss_weight=1000)),  # metres to millimetres: the epsilon of Adam is no small number
    test_cfg=dict(flip='mpi_inf_3dhp17'))
train_dataloader = dict(batch_size=128, dataset=dict(num_frames=27, window_stride=3))
val_dataloader = dict(dataset=dict(num_frames=27))
default_hooks = dict(checkpoint=dict(save_best='3dhp/MPJPE'))
