# MixSTE's optimiser and schedule (official code; 120 epochs are its default, the command in its header says 256). Its
# loop back-propagates the squared loss. Like it, this keeps the epoch that is best on the test subjects: its published
# numbers are selected on test.
_base_ = '../runtime/epochs.py'

optim_wrapper = dict(type='SquaredLossOptimWrapper', optimizer=dict(type='AdamW', lr=4e-5, weight_decay=0.1))
param_scheduler = [dict(type='ExponentialLR', gamma=0.99, by_epoch=True)]
train_cfg = dict(by_epoch=True, max_epochs=120)
default_hooks = dict(checkpoint=dict(save_best='lifting/MPJPE_frames'))
