# 2D-to-3D lifting over time. Training counts epochs, because the papers' learning rates do. A top-level `protocol`
# decides windows, root and frame accounting of training and evaluation.
_base_ = './default_runtime.py'

loader = dict(num_workers=2, persistent_workers=True, collate_fn=dict(type='batch_collate'))
train_dataloader = dict(**loader, sampler=dict(type='DefaultSampler', shuffle=True), dataset=dict(mirror=True))
val_dataloader = dict(
    **loader, batch_size=64, sampler=dict(type='SequenceSampler'), batch_sampler=dict(type='SequenceBatchSampler'),
    dataset=dict(split='test', test_mode=True))
test_dataloader = val_dataloader
val_evaluator = dict(type='LiftingMetric')
test_evaluator = val_evaluator
val_cfg = dict()
test_cfg = dict()
log_processor = dict(by_epoch=True, window_size=20)
default_hooks = dict(
    logger=dict(interval=100, log_metric_by_epoch=True), checkpoint=dict(by_epoch=True, interval=1, max_keep_ckpts=3))
