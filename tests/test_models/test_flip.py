import pytest
import torch

import mmegopose.models  # noqa: F401
from mmegopose.registry import MODELS
from mmegopose.structures import PoseDataSample, get_skeleton
from mmegopose.structures.streams import mirror_points

B, T, J, C = 2, 5, 17, 16


def build(**test_cfg):
    torch.manual_seed(0)
    return MODELS.build(dict(
        type='PoseEstimator', backbone=dict(type='JointEmbed', in_dim=3, embed_dim=C),
        neck=dict(type='DSTformer', embed_dim=C, depth=1, num_heads=4, num_frames=T),
        head=dict(type='JointHead', embed_dim=C, per_joint=True, output='all'), test_cfg=test_cfg)).eval()


def data():
    inputs = dict(keypoints=torch.randn(B, T, J, 3), detected=torch.rand(B, T, J) >= 0.2,
                  valid=(torch.arange(T) <= 3)[None].repeat(B, 1))
    sample = PoseDataSample()
    sample.joints, sample.visible = torch.zeros(B, T, J, 3), torch.ones(B, T, J, dtype=torch.bool)
    return inputs, sample


@pytest.mark.parametrize('skeleton', ['h36m17', 'mpi_inf_3dhp17', 'coco17'])
def test_prediction_is_the_mean_of_two_passes(skeleton):
    model, plain, (inputs, sample) = build(flip=skeleton), build(), data()
    model.load_state_dict(plain.state_dict())
    passes = []
    model.head.register_forward_hook(lambda module, given, result: passes.append(len(given[0])))
    predicted = model(inputs, sample, mode='predict')[0].pred_joints
    assert passes == [2 * B]

    swap, mirror = list(get_skeleton(skeleton).flip), torch.tensor([-1.0, 1.0, 1.0])
    flipped = dict(inputs, keypoints=inputs['keypoints'][:, :, swap] * mirror, detected=inputs['detected'][:, :, swap])
    once, again = plain(inputs)['joints'], plain(flipped)['joints']
    torch.testing.assert_close(predicted, (once + again[:, :, swap] * mirror) / 2, atol=1e-6, rtol=0)
    assert (predicted - once).abs().max() > 1e-3
    assert torch.equal(model(inputs)['joints'], once)  # only predictions are averaged


def test_mirrored_input_gives_the_mirrored_prediction():
    model, (inputs, sample) = build(flip='coco17'), data()
    mirrored = {name: stream[B:] for name, stream in model.flip.double(inputs).items()}
    here, there = (model(given, sample, mode='predict')[0].pred_joints.clone() for given in (inputs, mirrored))
    torch.testing.assert_close(there, mirror_points(here, model.flip.flip), atol=1e-6, rtol=0)


def test_mistakes_say_what_is_right():
    with pytest.raises(KeyError, match="unknown skeleton 'h36m'"):
        build(flip='h36m')
    with pytest.raises(ValueError, match="flip='coco17'.*'head_pose' is not known: .*test_cfg without flip"):
        MODELS.build(dict(
            type='PoseEstimator', backbone=dict(type='ViT', embed=dict(type='TrajectoryEmbed', in_dim=5), embed_dim=C,
                                                depth=1, num_heads=4),
            head=dict(type='JointHead', embed_dim=C), test_cfg=dict(flip='coco17')))
    model, (inputs, sample) = build(flip='coco17'), data()
    with pytest.raises(ValueError, match=r"flip='coco17'\): the mirror image of the stream 'head_pose' is not known"):
        model(dict(inputs, head_pose=torch.zeros(B, T, 5)), sample, mode='predict')
    with pytest.raises(ValueError, match="swaps 17 joints, the stream 'keypoints' has 15"):
        model(dict(keypoints=torch.zeros(B, T, 15, 3)), sample, mode='predict')
