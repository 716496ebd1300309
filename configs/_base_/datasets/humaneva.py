# HumanEva-I from the VideoPose3D npz pair, walking and jogging: data_root holds data_3d_humaneva15.npz,
# data_2d_humaneva15_<keypoints>.npz and cameras_humaneva.json. Trained on the sequences Train, tested on Validate.
_base_ = './lifting.py'

data_root = 'data/humaneva'
dataset = dict(type='HumanEvaDataset', keypoints='gt')
train_dataloader = dict(dataset=dict(split='train', **dataset))
val_dataloader = dict(dataset=dataset)
