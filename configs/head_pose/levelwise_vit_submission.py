# Level-wise ViT as submitted (46,212,710 parameters): input, targets and schedule of the official baseline, but all
# labels and strided windows; two post-norm transformers without positional encoding. Report, table 1: 18.09 cm MPJPE,
# 0.62 m/s MPJVE on the challenge's test set.
_base_ = './egoexo4d_baseline.py'

backbone = dict(norm_first=False, pos_embed=None, act='relu', drop_rate=0.1)
model = dict(
    _delete_=True,
    type='PoseEstimator',
    embed=dict(type='TrajectoryEmbed', in_dim=3, embed_dim=256),
    branches=dict(
        coarse=dict(
            backbone=dict(type='ViT', embed_dim=256, depth=3, num_heads=8, mlp_ratio=8, **backbone),
            head=dict(type='JointHead', embed_dim=256, hidden_dims=(256,))),
        fine=dict(
            backbone=dict(type='HugeViT', arch='levelwise', **backbone),
            head=dict(type='JointHead', embed_dim=256, hidden_dims=(256, 128)))),
    fusion=dict(type='WeightedFusion', weights=dict(coarse=0.1, fine=0.9)),
    losses=dict(l1=dict(type='L1Loss')),
    branch_loss_weight=0.0)
dataset = dict(
    windows=dict(_delete_=True, type='StridedWindows', num_frames=20, frame_step=3),
    pipeline=[*_base_.target, dict(type='PackInputs')])
train_dataloader = dict(batch_size=64, dataset=dict(labels='both', **dataset))
val_dataloader = dict(dataset=dataset)
