# The 2D pose alone, as heatmaps, one for each joint, as large as the image.
_base_ = [
    '../_base_/datasets/synthetic_hand.py', '../_base_/models/extpose_tiny.py', '../_base_/schedules/tiny_3d.py']

model = dict(backbone=dict(
    type='ViT', embed=dict(stream='pose_heatmap', in_chans=21), init_cfg=dict(new=(r'embed\.proj\..*',))))
train_dataloader = dict(dataset=dict(pose_form='heatmap', heatmap_size=96))
val_dataloader = dict(dataset=dict(pose_form='heatmap', heatmap_size=96))
