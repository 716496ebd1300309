# Level-wise ViT with a fine branch of ViT-H's size (width 1280, 632 M class): for a large GPU.
_base_ = '../levelwise_vit.py'

model = dict(
    embed=None,
    branches=dict(
        coarse=dict(backbone=dict(embed=dict(type='TrajectoryEmbed', in_dim=16))),
        fine=dict(
            backbone=dict(arch='huge', embed=dict(type='TrajectoryEmbed', in_dim=16), drop_path_rate=0.2),
            head=dict(embed_dim=1280))))
optim_wrapper = dict(type='AmpOptimWrapper', dtype='bfloat16', optimizer=dict(lr=1e-4))
