# Minutes on a CPU: 1200 iterations in bfloat16.
_base_ = './adamw_cosine.py'

optim_wrapper = dict(type='AmpOptimWrapper', optimizer=dict(lr=1e-3))
train_cfg = dict(max_iters=1200, val_interval=300)
default_hooks = dict(checkpoint=dict(interval=300))
