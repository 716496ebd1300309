# Human3.6M from MotionBERT's pickle: data_root holds h36m_sh_conf_cam_source_final.pkl (Stacked Hourglass 2D with
# confidence; its docs/pose3d.md has the address). Joints are in screen units. Ground-truth 2D: keypoints='gt'.
_base_ = './lifting.py'

data_root = 'data/motion3d'
dataset = dict(type='Human36M25DDataset', confidence=True)
train_dataloader = dict(
    sampler=dict(type='EpochSampler'), dataset=dict(split='train', mirror=False, mirror_prob=0.5, **dataset))
val_dataloader = dict(dataset=dataset)
