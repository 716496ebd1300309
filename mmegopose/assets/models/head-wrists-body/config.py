# head-wrists-body: track of a head, and of wrists where they are seen, to the pose of the whole body.
# Written by tools/model_converters/publish.py.
default_scope = 'mmegopose'
head_camera = 'eyes'
data_root = 'sample'
test_dataloader = dict(
    batch_size=256,
    num_workers=0,
    persistent_workers=False,
    sampler=dict(type='SequenceSampler'),
    batch_sampler=dict(type='SequenceBatchSampler'),
    dataset=dict(
        type='EgoExo4DBodyDataset',
        split='val',
        labels='manual',
        test_mode=True,
        windows=dict(type='StridedWindows', num_frames=20, frame_step=3),
        pipeline=[
            dict(type='WristPlaces'),
            dict(type='TargetFrame', frame='heading'),
            dict(type='HeadPoseFeatures', kind='gravity_aligned'),
            dict(type='PackInputs')],
        target_frames='all'))
test_evaluator = dict(type='BodyPoseMetric')
model = dict(
    type='PoseEstimator',
    backbone=dict(
        type='ViT',
        embed=dict(type='WristEmbed', in_dim=16),
        embed_dim=128,
        depth=3,
        num_heads=4,
        mlp_ratio=4,
        drop_rate=0.1,
        drop_path_rate=0.1),
    head=dict(type='WristHead', embed_dim=128, hidden_dims=(256,)))
