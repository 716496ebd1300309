# The coarse transformer followed by the plugin's neck.
_base_ = '../../configs/levelwise_vit/coarse_only.py'
custom_imports = dict(imports=['projects.example_project'])

model = dict(neck=dict(type='GatedNeck', embed_dim=256))
