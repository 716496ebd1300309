# STCFormer-L (18,933,184 parameters), 243 frames, Human3.6M with CPN 2D. Paper, table 1: 40.5 mm P1, 31.8 mm P2, which
# averages several models; no weights were released.
_base_ = './stcformer_243_h36m.py'

model = dict(backbone=dict(embed_dim=512), neck=dict(embed_dim=512), head=dict(embed_dim=512))
