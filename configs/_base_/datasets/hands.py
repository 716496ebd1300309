# Crops of hands as HaMeR cuts them.
_base_ = './images.py'

train_dataloader = dict(dataset=dict(crop=dict(rescale=2.0)))
val_dataloader = dict(dataset=dict(crop=dict(rescale=2.0, antialias=True)))
