# The coarse transformer followed by the plugin's neck.
_base_ = 'mmegopose::head_pose/levelwise_vit_coarse_only.py'
custom_imports = dict(imports=['projects.example_project'])

model = dict(neck=dict(type='GatedNeck', embed_dim=256))
