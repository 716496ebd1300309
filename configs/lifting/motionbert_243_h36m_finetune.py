# MotionBERT finetuned from its pretraining (MB_ft_h36m.yaml). Official model list: 37.2 mm P1. Weights:
# tools/model_converters/official.py latest_epoch.bin data/motionbert.pth
_base_ = './motionbert_243_h36m.py'

load_from = 'data/motionbert.pth'
train_cfg = dict(max_epochs=60)
