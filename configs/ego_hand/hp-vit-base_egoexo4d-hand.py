# HP-ViT (Chen et al., arXiv 2406.12219). Both hands as they are seen; the wearer is mirrored in half of the samples,
# hue, saturation and value change, pictures are blurred now and then, and a part of each is covered. Beyond its code,
# boxes are scaled, turned and shifted as HaMeR's are; augment=dict(scale=0, rotation=0, shift=0) leaves them.
_base_ = ['../_base_/datasets/egoexo4d_hand.py', '../_base_/models/hp_vit.py', '../_base_/schedules/layer_decay.py']

train_dataloader = dict(dataset=dict(mirror_left=False, augment=dict(flip_prob=0.5, color=0), degrade=dict()))
val_dataloader = dict(dataset=dict(mirror_left=False))
