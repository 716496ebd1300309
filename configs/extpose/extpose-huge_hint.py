# ExtPose on HInt, 2D labels in the wild. Paper, PCK@0.05/0.1/0.15 of all joints: New Days 59.6/84.8/92.7, VISOR
# 61.1/88.5/95.6, with 2D poses of a detector (val_dataloader.dataset.detections).
_base_ = '../_base_/extpose_hand.py'

data_root = 'data/HInt_annotation_partial'
# Only 2D is known: the discriminator keeps poses plausible. The converter keeps its weights with --discriminator.
load_from = 'data/hamer_discriminator.pth'
model = dict(losses=dict(adversarial=dict(type='AdversarialLoss', num_joints=15, poses='data/freihand_mocap.npz')))
train_dataloader = dict(dataset=dict(
    reader=dict(type='HInt', root=data_root, split='TRAIN', subsets=('newdays_img', 'epick_img'))))
val_dataloader = dict(dataset=dict(
    reader=dict(type='HInt', root=data_root, split='TEST', subsets=('newdays_img', 'epick_img'))))
test_dataloader = val_dataloader
val_evaluator = dict(type='KeypointPCKMetric')
test_evaluator = val_evaluator
