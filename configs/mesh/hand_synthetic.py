# A hand model for demonstrations, on rendered hands: ControlNet, longer than the ablation and on more hands.
_base_ = './controlnet-tiny_synthetic-hand.py'

train_dataloader = dict(dataset=dict(num_samples=64000))
train_cfg = dict(max_iters=1600, val_interval=800)
