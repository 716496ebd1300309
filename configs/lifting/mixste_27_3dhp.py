# MixSTE, 27 frames, MPI-INF-3DHP with ground-truth 2D. Paper, MPI-INF-3DHP table: PCK 94.4, AUC 66.5, MPJPE 54.9 mm.
# The authors published no training code for this data set: schedule and losses are those of Human3.6M, without weights.
_base_ = [
    '../_base_/datasets/mpi_inf_3dhp.py', '../_base_/models/mixste.py', '../_base_/schedules/mixste.py']

protocol = 'mixste'
model = dict(
    neck=dict(num_frames=27), test_cfg=dict(flip='mpi_inf_3dhp17'),
    losses=dict(mpjpe=dict(joint_weights=None), smooth=dict(joint_weights=None)))
train_dataloader = dict(batch_size=37, dataset=dict(num_frames=27))
val_dataloader = dict(dataset=dict(num_frames=27))
default_hooks = dict(checkpoint=dict(save_best='3dhp/MPJPE'))
