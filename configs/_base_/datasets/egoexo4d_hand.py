# Hand pose of Ego-Exo4D: data_root is the folder that mmegopose prepare egoexo4d-hand, or the official preparation, has
# written; for submissions ego_pose_gt_anno_test_public.json of the official repository lies in annotation/manual.
# Automatic labels, too: train_dataloader.dataset.labels=both
data_root = 'data/egoexo4d_hand'
crop = dict(rescale=1.25, aspect=(192, 256))
train_dataloader = dict(
    batch_size=64, num_workers=8, persistent_workers=True, sampler=dict(type='EndlessSampler'),
    dataset=dict(type='EgoExo4DHandDataset', split='train', pose_form=None, crop=crop))
val_dataloader = dict(
    batch_size=64, num_workers=8, persistent_workers=True, sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='EgoExo4DHandDataset', split='val', pose_form=None, crop=crop, test_mode=True))
val_evaluator = dict(type='MeshMetric', protocol='egoexo4d_hand', vertices=False)
submit_dataloader = dict(dataset=dict(split='test'))
submit_evaluator = dict(type='EgoExo4DHandSubmission', in_camera=False)
