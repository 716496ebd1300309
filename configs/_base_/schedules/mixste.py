# MixSTE's optimiser and schedule (official code). Its loop back-propagates the squared loss.
_base_ = '../runtime/epochs.py'

optim_wrapper = dict(type='SquaredLossOptimWrapper', optimizer=dict(type='AdamW', lr=4e-5, weight_decay=0.1))
param_scheduler = [dict(type='ExponentialLR', gamma=0.99, by_epoch=True)]
train_cfg = dict(by_epoch=True, max_epochs=120)
