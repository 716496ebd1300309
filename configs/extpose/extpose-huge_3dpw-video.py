# ExtPose on 3DPW, clips of 8 frames whose patches all see each other. Paper: 34.0 mm PA-MPJPE, trained on 3DPW,
# Human3.6M, MPI-INF-3DHP and COCO, with 2D poses of a detector (val_dataloader.dataset.detections). Weights:
# tools/model_converters/extpose.py hmr2.ckpt data/hmr2.pth
_base_ = '../_base_/extpose.py'

data_root = 'data/3DPW'
load_from = 'data/hmr2.pth'
bodies = {gender: dict(source=f'data/body_models/SMPL_{gender.upper()}.pkl') for gender in ('male', 'female')}
crop = dict(rescale=1.2, aspect=(192, 256))
model = dict(
    head=dict(body_model=dict(type='SkinnedModel', source='data/body_models/SMPL_NEUTRAL.pkl')),
    losses=dict(velocity=dict(type='RootRelativeVelocityLoss', loss_weight=0.05)))
train_dataloader = dict(
    batch_size=2, dataset=dict(
        reader=dict(type='PW3D', root=data_root, split='train', body_models=bodies), frames=8, stride=4, crop=crop,
        augment=dict(extreme_prob=0.1)))
val_dataloader = dict(
    batch_size=4, sampler=dict(_delete_=True, type='SequenceSampler'), batch_sampler=dict(type='SequenceBatchSampler'),
    dataset=dict(
        reader=dict(type='PW3D', root=data_root, split='test', body_models=bodies), frames=8, crop=crop))
test_dataloader = val_dataloader
val_evaluator = dict(type='MeshMetric', convention='body')
test_evaluator = val_evaluator
