# Synthetic hands for small models: 96 x 96 crops of limited rotation, drawn while training runs, with the errors of a
# 2D detector in the pose image.
img_size = (96, 96)
dataset = dict(type='SyntheticMeshDataset', image_size=img_size, body='open_hand', rotation='limited')
loader = dict(num_workers=1, persistent_workers=True)
train_dataloader = dict(
    **loader, batch_size=32, sampler=dict(type='EndlessSampler'),
    dataset=dict(**dataset, split='train', num_samples=9600))
val_dataloader = dict(
    **loader, batch_size=100, sampler=dict(type='SequenceSampler'), batch_sampler=dict(type='SequenceBatchSampler'),
    dataset=dict(**dataset, split='val', num_samples=600))
val_evaluator = [
    dict(type='MeshMetric', protocol='freihand'),
    dict(type='KeypointPCKMetric'),
]
