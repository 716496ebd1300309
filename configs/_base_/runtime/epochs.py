# Training that counts epochs, because the learning rates of its paper do.
_base_ = './default.py'

log_processor = dict(by_epoch=True, window_size=20)
default_hooks = dict(
    logger=dict(interval=100, log_metric_by_epoch=True), checkpoint=dict(by_epoch=True, interval=1, max_keep_ckpts=3))
