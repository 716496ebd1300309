# Level-wise ViT whose branches are weighed per joint by learned cross-attention, from the submitted 0.1 and 0.9.
_base_ = '../levelwise_vit.py'

model = dict(
    fusion=dict(_delete_=True, type='CrossAttentionFusion', prior=dict(coarse=0.1, fine=0.9), embed_dim=256))
