# The model hand-synthetic, which comes with the package: ControlNet, longer and in smaller batches than the ablation,
# with more weight on the fingers.
_base_ = './controlnet-tiny_synthetic-hand.py'

model = dict(
    backbone=dict(init_cfg=dict(
        checkpoint='work_dirs/vit-tiny_synthetic-hand-2d/iter_500.pth',
        made_by='mmegopose train mmegopose::mesh/vit-tiny_synthetic-hand-2d.py --cfg-options '
                'train_cfg.max_iters=500 train_cfg.val_interval=500')),
    losses=dict(body_pose=dict(loss_weight=3.0)))
train_dataloader = dict(batch_size=16, dataset=dict(num_samples=64000))
train_cfg = dict(max_iters=4000, val_interval=2000)
