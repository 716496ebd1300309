# Human3.6M from the VideoPose3D npz pair: data_root holds data_3d_h36m.npz, data_2d_h36m_<keypoints>.npz and
# cameras_h36m.json, which tools/dataset_converters/h36m_cameras.py writes. Ground-truth 2D: keypoints='gt'.
_base_ = './lifting.py'

data_root = 'data/h36m'
dataset = dict(type='Human36MDataset', keypoints='cpn_ft_h36m_dbb')
train_dataloader = dict(dataset=dict(split='train', **dataset))
val_dataloader = dict(dataset=dataset)
