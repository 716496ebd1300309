# STCFormer's optimiser and schedule (official code).
_base_ = '../runtime/epochs.py'

optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-3, amsgrad=True))
param_scheduler = [dict(type='ExponentialLR', gamma=0.96, by_epoch=True)]
train_cfg = dict(by_epoch=True, max_epochs=20)
