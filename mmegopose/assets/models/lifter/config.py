# lifter: 2D poses of a person in a video to 3D.
# Written by tools/model_converters/publish.py.
default_scope = 'mmegopose'
data_root = 'sample'
protocol = 'overlap'
test_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    batch_size=64,
    sampler=dict(type='SequenceSampler'),
    batch_sampler=dict(type='SequenceBatchSampler'),
    dataset=dict(
        type='MocapLiftingDataset',
        split='val',
        test_mode=True,
        confidence=True,
        num_frames=27,
        padding_mask=True))
test_evaluator = dict(type='LiftingMetric')
model = dict(
    type='PoseEstimator',
    backbone=dict(type='ViT', embed=dict(type='PoseEmbed'), embed_dim=256, depth=4, num_heads=8, mlp_ratio=4),
    head=dict(type='JointHead', embed_dim=256, hidden_dims=(512,), output='all', act='gelu'),
    test_cfg=dict(flip='h36m17'))
