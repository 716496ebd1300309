# hand-synthetic: hand in a picture to a mesh, a demonstration.
# Written by tools/model_converters/publish.py.
default_scope = 'mmegopose'
test_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    batch_size=100,
    sampler=dict(type='SequenceSampler'),
    batch_sampler=dict(type='SequenceBatchSampler'),
    dataset=dict(
        type='SyntheticMeshDataset',
        image_size=(96, 96),
        body='open_hand',
        rotation='limited',
        split='val',
        num_samples=600))
test_evaluator = [dict(type='MeshMetric', protocol='freihand'), dict(type='KeypointPCKMetric')]
model = dict(
    type='PoseEstimator',
    backbone=dict(type='ControlNetViT', arch='tiny', embed=dict(type='ConvStem', img_size=(96, 96))),
    head=dict(
        type='MeshDecoderHead',
        embed_dim=96,
        decoder_dim=96,
        depth=2,
        num_heads=4,
        head_dim=24,
        mlp_dim=192,
        camera_scale=4.0,
        body_model=dict(type='SkinnedModel', source='open_hand', joint_order='openpose')))
