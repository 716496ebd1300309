"""A skeleton that a plugin registers works like those of the package."""
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mmegopose.datasets import LiftingDataset, SequenceStore
from mmegopose.datasets.random import KeyedRandom
from mmegopose.evaluation import BodyPoseMetric, LiftingMetric, MeshMetric
from mmegopose.models.flip import FlipAverage
from mmegopose.models.losses import MPJPELoss
from mmegopose.models.necks import STC
from mmegopose.registry import TRANSFORMS
from mmegopose.rendering.skeleton_images import draw_skeletons
from mmegopose.structures import Skeleton, both_sides, get_skeleton, register_skeleton
from mmegopose.synthesis.pose_errors import PoseErrors
from mmegopose.visualization import PoseVisualizationHook, draw_poses

OWN = register_skeleton(Skeleton.from_parents(
    'own9', 'pelvis neck head left-hip left-foot right-hip right-foot left-hand right-hand',
    parents=(-1, 0, 1, 0, 3, 0, 5, 1, 1), head=(2,), limbs=both_sides(leg='hip foot', arm='hand'),
    part_order=('left-leg', 'right-leg', 'left-arm', 'right-arm'), joint_weights=dict(mine=(1,) * 8 + (3,))))
FLIP = [0, 1, 2, 5, 6, 3, 4, 8, 7]


def test_its_facts_follow_from_names():
    assert get_skeleton('own9') is OWN and list(OWN.flip) == FLIP and OWN.non_head == (0, 1, 3, 4, 5, 6, 7, 8)
    assert OWN.parts == (0, 0, 0, 1, 1, 2, 2, 3, 4) and OWN.limb_flips['arm'] == (0, 1, 2, 3, 4, 5, 6, 8, 7)
    assert register_skeleton(OWN) is OWN
    with pytest.raises(ValueError, match="another skeleton is registered as 'own9'"):
        register_skeleton(Skeleton('own9', ('a', 'b'), ((0, 1),)))
    with pytest.raises(TypeError, match='takes a Skeleton, got dict'):
        register_skeleton(dict(name='own8'))
    broken = Skeleton('broken', ('a', 'b', 'c'), ((0, 1),), limbs=dict(arm=('a', 'b', 'c')))
    with pytest.raises(ValueError, match="no bone joins 'c' to a joint before it in 'arm'"):
        broken.steps_outwards('arm')


def test_the_mirror_of_data_and_of_predictions_swaps_its_joints():
    random = KeyedRandom(range(4))
    joints = torch.randn(4, 1, 9, 3)
    pose = torch.eye(4).expand(4, 5, 4, 4)
    batch = dict(joints=joints, visible=torch.rand(4, 1, 9) > 0.5, head_pose=pose, head_pose_before=pose,
                 T_world_camera=pose[:, :1], random=random, skeleton='own9', camera_axes='opencv')
    mirrored = TRANSFORMS.build(dict(type='Mirror', prob=1.0))(dict(batch))
    assert torch.equal(mirrored['visible'], batch['visible'][:, :, FLIP])
    torch.testing.assert_close(mirrored['joints'].norm(dim=-1), joints[:, :, FLIP].norm(dim=-1))
    keypoints = torch.randn(2, 3, 9, 3)
    both = FlipAverage('own9').double(dict(keypoints=keypoints))['keypoints']
    assert torch.equal(both[2:], keypoints[:, :, FLIP] * torch.tensor([-1., 1, 1]))


def lifting_store(frames=30):
    rng = np.random.default_rng(0)
    return SequenceStore(
        [0, frames], dict(keypoints=rng.uniform(-1, 1, (frames, 9, 2)).astype(np.float32),
                          joints=rng.normal(size=(frames, 9, 3)).astype(np.float32)),
        [dict(uid='me/walk/1', name='walk', action='walk')],
        info=dict(dataset_name='own', split='val', skeleton='own9'))


def test_lifting_data_mirror_score_and_draw_it(tmp_path):
    plain, both = (LiftingDataset(lifting_store(), protocol='overlap', num_frames=9, mirror=mirror)
                   for mirror in (False, True))
    assert len(both) == 2 * len(plain)
    mirror = torch.tensor([-1., 1, 1])
    windows = [data.__getitems__(range(len(data))) for data in (plain, both)]
    expected, found = ([{tuple(np.round(window.flatten().tolist(), 5)) for window in batch['inputs']['keypoints']}
                        for batch in windows])
    expected |= {tuple(np.round((window[:, FLIP] * mirror[:2]).flatten().tolist(), 5))
                 for window in windows[0]['inputs']['keypoints']}
    assert found == expected

    data = LiftingDataset(lifting_store(), protocol='overlap', num_frames=9, test_mode=True)
    sample = data.__getitems__(range(len(data)))['data_samples']
    sample.pred_joints = sample.joints.clone()
    sample.pred_joints[:, :, 8, 0] += 0.09
    metric = LiftingMetric(root='keep')
    metric.dataset_meta = data.metainfo
    metric.process(None, [sample.to_dict()])
    found = metric.evaluate(1)
    assert found['lifting/MPJPE'] == pytest.approx(10, rel=1e-5)
    assert found['lifting/joint/right-hand/MPJPE'] == pytest.approx(90, rel=1e-5)
    runner = SimpleNamespace(test_dataloader=SimpleNamespace(dataset=data))
    hook = PoseVisualizationHook(str(tmp_path))
    hook.after_test_iter(runner, 0, {}, [sample])
    hook.after_test_epoch(runner)
    assert [path.name for path in tmp_path.iterdir()] == ['me_walk_1.png']


def test_losses_necks_and_detector_errors_know_it():
    sample = dict(pred=torch.zeros(1, 1, 9, 3), target=torch.ones(1, 1, 9, 3))
    weighted = MPJPELoss(joint_weights='mine_own9').weigh((sample['pred'] - sample['target']).norm(dim=-1))
    assert weighted[0, 0].tolist() == pytest.approx([3 ** 0.5] * 8 + [3 * 3 ** 0.5])
    assert STC(16, 1, 4, parts='own9').blocks[0].attn.parts.tolist() == list(OWN.parts)
    keypoints = torch.rand(200, 9, 2)
    errors = PoseErrors(jitter=0, drop=0, swap=0.5, shift=0, whole=0, skeleton=OWN)
    moved, _ = errors.disturb(keypoints, torch.ones(200, 9), KeyedRandom(range(200)))
    swapped = (moved[:, 7] == keypoints[:, 8]).all(-1)
    assert 0.3 < swapped.float().mean() < 0.7 and torch.equal(moved[:, :3], keypoints[:, :3])


def test_metrics_and_pictures_know_it():
    joints = torch.randn(1, 60, 9, 3, dtype=torch.float64)
    sample = dict(joints=joints, pred_joints=joints + torch.tensor([0.03, 0.04, 0]),
                  frame_ids=torch.arange(60)[None] * 3, visible=torch.ones(1, 60, 9, dtype=torch.bool),
                  scored=torch.ones(1, 60, dtype=torch.bool),
                  T_world_target=torch.eye(4, dtype=torch.float64).expand(1, 60, 4, 4), sequence=torch.tensor([0]))
    metric = BodyPoseMetric()
    metric.dataset_meta = dict(dataset_name='own', split='val', skeleton='own9', sequences=[
        dict(uid='a', name='a_cooking', frame_ids=np.arange(60) * 3, root_dir='')])
    metric.process(None, [sample])
    found = metric.evaluate(1)
    assert found['body/MPJPE'] == pytest.approx(5) and found['body/MPJPE_body8'] == pytest.approx(5)
    assert found['body/joint/right-hand/MPJPE'] == pytest.approx(5)

    mesh = MeshMetric(vertices=False, protocol='body')
    mesh.dataset_meta = dict(skeleton='own9')
    error = torch.zeros(9, 3, dtype=torch.float64)
    error[[3, 5]] = torch.tensor([0, 0, 0.09], dtype=torch.float64)  # the hips, from which all is measured
    mesh.process(None, [dict(joints=joints[0], pred_joints=joints[0] + error, visible=sample['visible'][0])])
    assert mesh.evaluate(60)['mesh/MPJPE'] == pytest.approx(90 * 7 / 9)

    figure = draw_poses(joints[0, :2].numpy(), OWN, joints[0, :2].numpy(), sample['visible'][0, :2].numpy())
    assert [len(axes.lines) for axes in figure.axes if axes.name == '3d'] == [16, 16]
    image = draw_skeletons(np.array([[[8 * (j + 1), 60] for j in range(9)]], float), np.ones((1, 9)), OWN.style, 96)
    assert len({tuple(image[0, 60, 8 * (j + 1)]) for j in range(9)}) >= 6


@pytest.mark.parametrize('change, message', [
    (dict(edges=((0, 3),)), r'indices of its 2 joints, got \[3\]'), (dict(root=-1), r'got \[-1\]'),
    (dict(joints=('left-hip', 'hip')), r"has no \['right-hip'\]"), (dict(joints=('a', 'a')), 'a name each'),
    (dict(limbs=dict(arm=('c',))), r"has no \['c'\]"), (dict(part_order=('arm',)), r"has no \['arm'\]"),
    (dict(joint_weights=dict(w=(1,))), 'w should have 2 entries, one for each joint, got 1'),
    (dict(joint_colors=((0, 0, 0),)), 'joint_colors should have 2 entries')])
def test_mistakes_are_told(change, message):
    with pytest.raises(ValueError, match=f"skeleton 'mine'.*{message}"):
        Skeleton(**dict(name='mine', joints=('a', 'b'), edges=((0, 1),)) | change)
