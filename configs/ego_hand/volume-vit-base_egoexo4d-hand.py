# The normalised regression of the official baseline, POTTER, on a transformer; its normalisation is read from your copy
# of handpose/models/POTTER/dataset/ego4d_dataset.py of the official repository.
_base_ = ['../_base_/datasets/egoexo4d_hand.py', '../_base_/models/hp_vit.py', '../_base_/schedules/layer_decay.py']

crop = dict(rescale=1.25, aspect=None, size=224, width=224)
train_dataloader = dict(dataset=dict(mirror_left=False, crop=dict(_delete_=True, **crop), augment=dict(flip_prob=0.5)))
val_dataloader = dict(dataset=dict(mirror_left=False, crop=dict(_delete_=True, **crop)))
model = dict(
    backbone=dict(embed=dict(img_size=(224, 224)), init_cfg=dict(
        checkpoint='data/vitpose-base.pth', new=('pos_embed',))),
    head=dict(_delete_=True, type='VolumeJointHead', embed_dim=768, statistics='data/ego4d_dataset.py'),
    losses=dict(_delete_=True))
