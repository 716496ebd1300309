# Head track and egocentric video: the newest frame of the window, by a small network that is trained with the rest. A
# head of its own teaches it from the start; it is not used in a test.
# A frozen ViT instead: encoder=dict(type='ViT', arch='base', embed=dict(type='PatchEmbed', img_size=(224, 224),
# stream='view'), init_cfg=...), in_dim=768, trainable=False, and size=(224, 224) of FrameViews. Other fusions:
# ConcatFusion, BranchAttention.
# The sample of motion capture has no video. mmegopose synthesize --out DIR writes one that has; data_root=DIR reads it.
_base_ = './body_trajectory.py'

films = 'takes/{name}/frame_aligned_videos/'
view = dict(
    type='FrameViews', size=(96, 96), num_frames=1, quarter_turns=1,
    files=(films + 'downscaled/448/aria*_214-1.mp4', films + 'aria*_214-1.mp4',
           'image/undistorted/{split}/{name}/{frame:06d}.jpg'))
encoder = dict(type='ConvStem', embed_dim=64, img_size=(96, 96), stream='view')
model = dict(
    backbone=None,
    branches=dict(
        head=dict(backbone=_base_.trajectory),
        view=dict(backbone=dict(
            _base_.vit, depth=1, embed=dict(type='FrameEmbed', encoder=encoder, in_dim=64)),
            head=dict(type='JointHead', embed_dim=128, hidden_dims=(256,)))),
    fusion=dict(type='GatedFusion', in_dims=dict(head=128, view=128), detach_first=True),
    # of the joints of coco17 elbows and wrists weigh more: they are what a headset sees
    losses=dict(mpjpe=dict(joint_weights=(1, 1, 1, 1, 1, 1, 1, 2, 2, 5, 5, 1, 1, 1, 1, 1, 1))),
    branch_loss_weight=0.5)
bright = dict(view, color=0.2)  # an augmentation
drop = dict(type='DropStreams', probs=dict(view=0.5))
# the head track learns at the rate of body_trajectory.py, from the windows without the view
optim_wrapper = dict(
    optimizer=dict(lr=1e-3), paramwise_cfg=dict(custom_keys={'branches.head': dict(lr_mult=0.5)}))
train_dataloader = dict(dataset=dict(pipeline=[bright, *_base_.augment, drop, *_base_.target]))
val_dataloader = dict(dataset=dict(pipeline=[view, *_base_.target]))
