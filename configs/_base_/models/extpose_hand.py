# ExtPose for hands: MANO_RIGHT.pkl is yours; weights: tools/model_converters/official.py hamer.ckpt data/hamer.pth
_base_ = './extpose.py'

load_from = 'data/hamer.pth'
model = dict(head=dict(
    camera_scale=4.0,
    body_model=dict(type='SkinnedModel', source='data/body_models/MANO_RIGHT.pkl', joint_order='openpose')))
