# What every run has: scope, hooks, log. Iterations are counted; epochs.py counts epochs.
default_scope = 'mmegopose'
runner_type = 'EgoRunner'
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=20, log_metric_by_epoch=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=500, max_keep_ckpts=3),
    finite=dict(type='FiniteHook', interval=20, stop=True),
    sampler_seed=dict(type='DistSamplerSeedHook'))
env_cfg = dict(dist_cfg=dict(backend='nccl'))
log_processor = dict(type='ShortLogProcessor', by_epoch=False, window_size=20)
visualizer = dict(type='Visualizer', vis_backends=[dict(type='LocalVisBackend')])
randomness = dict(seed=0)
log_level = 'INFO'
