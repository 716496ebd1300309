# Images of hands or people, single or from videos; the data set names its reader.
train_dataloader = dict(
    batch_size=8, num_workers=4, persistent_workers=True,
    sampler=dict(type='EndlessSampler'), dataset=dict(type='ImageMeshDataset'))
val_dataloader = dict(
    batch_size=32, num_workers=4, persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False), dataset=dict(type='ImageMeshDataset', test_mode=True))
