# ExtPose on FreiHAND. Paper: 4.9 mm PA-MPJPE, 5.1 mm PA-MPVPE, F@5 0.823, F@15 0.993, with 2D poses of a detector
# (val_dataloader.dataset.detections) and the training mix of HaMeR.
_base_ = ['../_base_/datasets/freihand.py', '../_base_/models/extpose_hand.py', '../_base_/schedules/extpose.py']
