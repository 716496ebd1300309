# 2D-to-3D lifting over time. A config's top-level `protocol` decides windows, root and frame accounting of training
# and evaluation.
loader = dict(num_workers=0)  # windows are cut out of one array: workers would take longer to hand them over
train_dataloader = dict(**loader, sampler=dict(type='DefaultSampler', shuffle=True), dataset=dict(mirror=True))
val_dataloader = dict(
    **loader, batch_size=64, sampler=dict(type='SequenceSampler'), batch_sampler=dict(type='SequenceBatchSampler'),
    dataset=dict(split='test', test_mode=True))
val_evaluator = dict(type='LiftingMetric')
