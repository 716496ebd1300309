# Body pose of Ego-Exo4D. 'sample' is the embedded sample of real motion in the same layout;
# your download: --cfg-options data_root=/path/to/egoexo4d
data_root = 'sample'
windows = dict(type='StridedWindows', num_frames=20, frame_step=3)
target = [
    dict(type='TargetFrame', frame='heading'),
    dict(type='HeadPoseFeatures', kind='gravity_aligned'),
    dict(type='PackInputs'),
]
augment = [
    dict(type='Mirror', prob=0.5),
    dict(type='BodyScale', low=0.9, high=1.1),
    dict(type='HeadPoseNoise', rotation=0.01, position=0.002, mount=0.05),
]
train_dataloader = dict(
    batch_size=64,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='EndlessSampler'),
    dataset=dict(
        type='EgoExo4DBodyDataset', split='train', labels='both',
        windows=dict(type='StridedWindows', num_frames=20, frame_step=3, tempo=(0.8, 1.25)),
        pipeline=augment + target))
val_dataloader = dict(
    batch_size=256,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='SequenceSampler'),
    batch_sampler=dict(type='SequenceBatchSampler'),
    dataset=dict(
        type='EgoExo4DBodyDataset', split='val', labels='manual', test_mode=True, windows=windows, pipeline=target))
# tools/test.py --submit predicts the takes and frames of the challenge template.
submit_dataloader = dict(dataset=dict(split='test', template='dummy_test.json'))
submit_evaluator = dict(type='BodySubmission')
val_evaluator = dict(type='BodyPoseMetric')
