# MixSTE, 43 frames, HumanEva-I. Paper, table of HumanEva-I, T=43: 28.5 mm P1 (16.1 mm after training on
# Human3.6M). The authors published no command for this data set: schedule, losses and weights of the joints are
# those of their code.
_base_ = [
    '../_base_/datasets/humaneva.py', '../_base_/models/mixste.py', '../_base_/schedules/mixste.py']

protocol = 'mixste'
model = dict(
    neck=dict(num_tokens=15, num_frames=43), head=dict(num_joints=15), test_cfg=dict(flip='humaneva15'),
    losses=dict(mpjpe=dict(joint_weights='mixste_humaneva15'), smooth=dict(joint_weights='mixste_humaneva15')))
train_dataloader = dict(batch_size=23, dataset=dict(num_frames=43))  # 1024 // T windows
val_dataloader = dict(dataset=dict(num_frames=43))
