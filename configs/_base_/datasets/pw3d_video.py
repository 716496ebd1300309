# 3DPW in windows of 8 frames: data_root is the folder with imageFiles and sequenceFiles; the SMPL files are yours.
_base_ = './images.py'

data_root = 'data/3DPW'
bodies = {gender: dict(source=f'data/body_models/SMPL_{gender.upper()}.pkl') for gender in ('male', 'female')}
crop = dict(rescale=1.2, aspect=(192, 256))
train_dataloader = dict(
    batch_size=2, dataset=dict(
        reader=dict(type='pw3d', body_models=bodies), split='train', num_frames=8, window_stride=4, crop=crop,
        augment=dict(extreme_prob=0.1)))
val_dataloader = dict(
    batch_size=4, sampler=dict(_delete_=True, type='SequenceSampler'), batch_sampler=dict(type='SequenceBatchSampler'),
    dataset=dict(reader=dict(type='pw3d', body_models=bodies), split='test', num_frames=8, crop=crop))
val_evaluator = [dict(type='MeshMetric', protocol='body'), dict(type='AccelerationMetric')]
