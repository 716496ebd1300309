# HInt, 2D labels in the wild: data_root is the folder HInt_annotation_partial. The Ego4D part has no images in it.
_base_ = './hands.py'

data_root = 'data/HInt_annotation_partial'
subsets = ('newdays_img', 'epick_img')
train_dataloader = dict(dataset=dict(reader=dict(type='hint', subsets=subsets), split='TRAIN'))
val_dataloader = dict(dataset=dict(reader=dict(type='hint', subsets=subsets), split='TEST'))
val_evaluator = dict(type='KeypointPCKMetric')
