# The open lifting benchmark: real motion through virtual cameras and a model of a detector, split by performer.
# 'sample' is embedded; clips that tools/dataset_converters/mocap.py wrote: --cfg-options data_root=clips.npz
data_root = 'sample'
loader = dict(num_workers=1, persistent_workers=True)
dataset = dict(type='MocapLiftingDataset', confidence=True, num_frames=27)
train_dataloader = dict(
    **loader, batch_size=32, sampler=dict(type='EndlessSampler'),
    dataset=dict(split='train', views=8, window_stride=9, mirror=True, **dataset))
val_dataloader = dict(
    **loader, batch_size=64, sampler=dict(type='SequenceSampler'), batch_sampler=dict(type='SequenceBatchSampler'),
    dataset=dict(split='val', test_mode=True, **dataset))
val_evaluator = dict(type='LiftingMetric')
