# MotionBERT's optimiser and schedule (official code). Like it, this keeps the epoch that is best on the test subjects:
# its published numbers are selected on test.
_base_ = '../runtime/epochs.py'

optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=2e-4, weight_decay=0.01))
param_scheduler = [dict(type='ExponentialLR', gamma=0.99, by_epoch=True)]
train_cfg = dict(by_epoch=True, max_epochs=120)
default_hooks = dict(checkpoint=dict(save_best='lifting/MPJPE'))
