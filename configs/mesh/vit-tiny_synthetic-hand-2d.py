# 2D pre-training of the tiny image transformer: heatmaps of 24 x 24. The 3D configs start from its backbone.
_base_ = ['../_base_/datasets/synthetic_hand.py', '../_base_/schedules/tiny_2d.py']

model = dict(
    type='PoseEstimator',
    backbone=dict(type='ViT', arch='tiny', embed=dict(type='ConvStem', img_size=(96, 96))),
    head=dict(type='HeatmapHead', embed_dim=96, num_joints=21, img_size=(96, 96), deconv_dim=48, softmax=True),
    losses=dict(heatmap=dict(type='HeatmapCrossEntropyLoss', sigma=1.0)))
train_dataloader = dict(dataset=dict(pose_form=None))
val_dataloader = dict(dataset=dict(pose_form=None))
# The heatmaps are probabilities, whose peaks are low.
val_evaluator = [dict(type='KeypointPCKMetric'), dict(type='CocoKeypointMetric', min_score=0.0)]
