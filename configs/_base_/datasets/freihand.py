# FreiHAND: data_root is the folder of FreiHAND_pub_v2; MANO_RIGHT.pkl is yours.
_base_ = './hands.py'

data_root = 'data/FreiHAND_pub_v2'
mano = 'data/body_models/MANO_RIGHT.pkl'
train_dataloader = dict(dataset=dict(reader=dict(type='freihand', mano=mano), split='training'))
val_dataloader = dict(dataset=dict(reader=dict(type='freihand', mano=mano), split='evaluation'))
val_evaluator = dict(type='MeshMetric', protocol='freihand')
submit_evaluator = dict(type='HandSubmission', challenge='freihand')
