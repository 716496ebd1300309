# ExtPose on 3DPW, clips of 8 frames whose patches all see each other. Paper: 34.0 mm PA-MPJPE, trained on 3DPW,
# Human3.6M, MPI-INF-3DHP and COCO, with 2D poses of a detector (val_dataloader.dataset.detections). Weights:
# tools/model_converters/official.py hmr2.ckpt data/hmr2.pth
_base_ = ['../_base_/datasets/pw3d_video.py', '../_base_/models/extpose.py', '../_base_/schedules/extpose.py']

load_from = 'data/hmr2.pth'
model = dict(
    head=dict(body_model=dict(type='SkinnedModel', source='data/body_models/SMPL_NEUTRAL.pkl')),
    losses=dict(velocity=dict(type='RootRelativeVelocityLoss', loss_weight=0.05)))
