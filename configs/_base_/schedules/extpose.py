# Optimiser of HaMeR and HMR2.0 (batch 8 per GPU on 8 GPUs for hands, 48 for bodies); 1e-5 does not decay.
_base_ = '../runtime/default.py'

optim_wrapper = dict(type='AmpOptimWrapper', optimizer=dict(type='AdamW', lr=1e-5, weight_decay=1e-4))
train_cfg = dict(type='IterBasedTrainLoop', max_iters=100000, val_interval=5000)
default_hooks = dict(checkpoint=dict(interval=5000))
