# ExtPose on FreiHAND. Paper: 4.9 mm PA-MPJPE, 5.1 mm PA-MPVPE, F@5 0.823, F@15 0.993, with 2D poses of a detector
# (val_dataloader.dataset.detections) and the training mix of HaMeR.
_base_ = '../_base_/extpose_hand.py'

data_root = 'data/FreiHAND_pub_v2'
train_dataloader = dict(dataset=dict(
    reader=dict(type='FreiHAND', root=data_root, split='training', mano={{_base_.mano}})))
val_dataloader = dict(dataset=dict(
    reader=dict(type='FreiHAND', root=data_root, split='evaluation', mano={{_base_.mano}})))
test_dataloader = val_dataloader
val_evaluator = dict(type='MeshMetric', convention='freihand')
test_evaluator = val_evaluator
submit_evaluator = dict(type='HandSubmission', convention='freihand')
