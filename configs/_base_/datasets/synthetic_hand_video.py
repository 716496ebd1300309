# Windows of 4 frames of synthetic hands, in which an occluder and a blur spoil every third frame; images alone.
_base_ = './synthetic_hand.py'

windows = dict(num_frames=4, bad_frames=0.35, pose_form=None)
train_dataloader = dict(batch_size=8, dataset=windows)
val_dataloader = dict(batch_size=25, dataset=dict(num_samples=200, **windows))
val_evaluator = [dict(type='MeshMetric', protocol='freihand'), dict(type='AccelerationMetric')]
