# ExtPose: the crop and the drawn 2D pose in the transformer of HaMeR, and one query for each joint. Left hands are
# mirrored, because HaMeR knows right ones. In tests 2D poses should be a detector's: val_dataloader.dataset.detections.
_base_ = ['../_base_/datasets/egoexo4d_hand.py', '../_base_/models/hp_vit.py', '../_base_/schedules/layer_decay.py']

train_dataloader = dict(batch_size=8, dataset=dict(pose_form='image'))
val_dataloader = dict(dataset=dict(pose_form='image'))
model = dict(
    backbone=dict(
        type='ExtPose', arch='huge', streams=('image', 'pose_image'),
        init_cfg=dict(checkpoint='data/hamer.pth',
                      made_by='tools/model_converters/official.py hamer.ckpt data/hamer.pth')),
    head=dict(embed_dim=1280, depth=6))
