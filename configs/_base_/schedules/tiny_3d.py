# The schedule of the 2D pre-training, half as long.
_base_ = './tiny_2d.py'

optim_wrapper = dict(optimizer=dict(lr=6e-4))
train_cfg = dict(max_iters=1200, val_interval=600)
