"""Sizes that do not go together are told by part, with both numbers."""
import warnings

import pytest
import torch

import mmegopose.models  # noqa: F401
from mmegopose.engine import user_errors
from mmegopose.evaluation import LiftingMetric
from mmegopose.registry import MODELS
from mmegopose.structures import PoseDataSample

B, T, J, C = 2, 5, 17, 16
KEYPOINTS = dict(type='ViT', embed=dict(type='JointEmbed', in_dim=2, num_joints=J), embed_dim=C, depth=1, num_heads=4)
TRACK = dict(type='ViT', embed=dict(type='TrajectoryEmbed', in_dim=5), embed_dim=C, depth=1, num_heads=4)
HEAD = dict(type='JointHead', embed_dim=C, output='all')
EMBED = dict(type='TrajectoryEmbed', in_dim=5)


def branches(a, b):
    return {'a': dict(backbone=TRACK, **a), 'b': dict(backbone=TRACK, **b)}


@pytest.mark.parametrize('config, message', [
    (dict(backbone=TRACK, head=HEAD | dict(num_joints=13)),
     r'MPJPELoss compares joints \(2, 5, 13, 3\) of the head with \(2, 5, 17, 3\) of the data: num_joints'),
    (dict(backbone=TRACK, head=HEAD | dict(num_joints=1)), r'joints \(2, 5, 1, 3\) of the head with'),
    (dict(backbone=TRACK | dict(embed=dict(EMBED, in_dim=24)), head=HEAD), 'has 5 numbers per token, .* in_dim=24'),
    (dict(backbone=TRACK | dict(embed=dict(EMBED, embed_dim=8)), head=HEAD),
     'ViT has embed_dim=16, its embed embed_dim=8'),
    (dict(backbone=KEYPOINTS | dict(embed=dict(type='JointEmbed', in_dim=2, num_joints=13)), head=HEAD),
     'ViT has a code for each of 13 tokens per frame, got 17: num_joints'),
    (dict(backbone=TRACK, head=HEAD, losses=dict(bones=dict(type='BoneLengthLoss', skeleton='hand21'))),
     "BoneLengthLoss.skeleton='hand21'. takes 21 joints, got 17"),
    (dict(branches=branches(dict(head=HEAD), dict(head=HEAD | dict(num_joints=13))),
          fusion=dict(type='WeightedFusion', weights=dict(a=0.5, b=0.5))),
     r"WeightedFusion cannot join .*'a.joints': \(2, 5, 17, 3\), 'b.joints': \(2, 5, 13, 3\).* num_joints"),
    (dict(branches=branches({}, {}), fusion=dict(type='ConcatFusion', in_dims=dict(a=C, b=8), embed_dim=C), head=HEAD),
     r"ConcatFusion cannot join .*'b': \(2, 5, 1, 16\).*in_dims"),
    (dict(embed=dict(EMBED, embed_dim=8), branches={'a': dict(backbone=TRACK | dict(embed=None), head=HEAD)},
          fusion=dict(type='WeightedFusion', weights=dict(a=1.0))),
     r'ViT takes tokens of 16 channels, but gets \(2, 5, 1, 8\)')])
def test_a_wrong_size_is_told(config, message):
    inputs = dict(head_pose=torch.randn(B, T, 5), keypoints=torch.randn(B, T, J, 2))
    sample = PoseDataSample(joints=torch.zeros(B, T, J, 3), visible=torch.ones(B, T, J, dtype=torch.bool))
    with pytest.raises(ValueError, match=message):
        MODELS.build(dict(dict(type='PoseEstimator', losses=dict(mpjpe=dict(type='MPJPELoss'))), **config))(
            inputs, sample, mode='loss')


def test_a_metric_tells_other_joints():
    sample = dict(joints=torch.zeros(1, 2, J, 3), pred_joints=torch.zeros(1, 2, 13, 3), sequence=torch.zeros(1).long(),
                  visible=torch.ones(1, 2, J, dtype=torch.bool), scored=torch.ones(1, 2, dtype=torch.bool),
                  frame_ids=torch.arange(2)[None])
    metric = LiftingMetric()
    metric.dataset_meta = dict(sequences=[dict(uid='a', name='a', frame_ids=[0, 1])])
    with pytest.raises(ValueError, match='LiftingMetric compares 13 joints of the model with 17 of the data'):
        metric.process(None, [sample])


def test_a_warning_of_a_command_is_one_line():
    with user_errors():
        line = warnings.formatwarning('lr is unknown', UserWarning, mmegopose.__file__, 58)
        other = warnings.formatwarning('lr is unknown', UserWarning, torch.__file__, 58)
    assert line == 'warning: lr is unknown\n' and torch.__file__ in other
    assert warnings.formatwarning('lr is unknown', UserWarning, mmegopose.__file__, 58) != line
