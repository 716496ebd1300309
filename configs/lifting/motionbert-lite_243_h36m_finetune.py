# MotionBERT-Lite (16,001,549 parameters), finetuned with the learning rate of MB_ft_h36m_global_lite.yaml, but poses
# are relative to their root. Weights: tools/model_converters/official.py latest_epoch.bin data/motionbert_lite.pth
_base_ = './motionbert_243_h36m_finetune.py'

load_from = 'data/motionbert_lite.pth'
model = dict(backbone=dict(embed_dim=256), neck=dict(embed_dim=256, mlp_ratio=4), head=dict(embed_dim=256))
optim_wrapper = dict(optimizer=dict(lr=5e-4))
