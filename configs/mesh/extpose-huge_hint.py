# ExtPose on HInt, 2D labels in the wild. Paper, PCK@0.05/0.1/0.15 of all joints: New Days 59.6/84.8/92.7, VISOR
# 61.1/88.5/95.6, with 2D poses of a detector (val_dataloader.dataset.detections).
_base_ = ['../_base_/datasets/hint.py', '../_base_/models/extpose_hand.py', '../_base_/schedules/extpose.py']

# Only 2D is known: the discriminator keeps poses plausible. The converter keeps it: --options discriminator=True.
load_from = 'data/hamer_discriminator.pth'
model = dict(losses=dict(adversarial=dict(type='AdversarialLoss', num_joints=15, poses='data/freihand_mocap.npz')))
