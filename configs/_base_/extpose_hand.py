# ExtPose for hands: MANO_RIGHT.pkl is yours; weights: tools/model_converters/extpose.py hamer.ckpt data/hamer.pth
_base_ = './extpose.py'

mano = 'data/body_models/MANO_RIGHT.pkl'
load_from = 'data/hamer.pth'
model = dict(head=dict(
    camera_scale=4.0, body_model=dict(type='SkinnedModel', source=mano, joint_order='openpose')))
train_dataloader = dict(dataset=dict(crop=dict(rescale=2.0)))
val_dataloader = dict(dataset=dict(crop=dict(rescale=2.0, antialias=True)))
test_dataloader = val_dataloader
