import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from mmegopose.body_models import SkinnedModel
from mmegopose.datasets import ImageMeshDataset, batch_collate
from mmegopose.datasets.samplers import EndlessSampler, SequenceBatchSampler, SequenceSampler
from mmegopose.geometry.crops import CROP_SIZE, FOCAL, IMAGE_MEAN, IMAGE_STD, project_to_crop
from mmegopose.registry import DATASETS
from mmegopose.rendering.mesh_images import render
from mmegopose.synthesis import SyntheticMeshDataset

SHAPES = dict(open_hand=(21, 16, 1609), open_body=(24, 24, 1229))  # joints, rotations, vertices
BODIES = list(SHAPES)
TOOL = Path(__file__).parents[2] / 'tools/dataset_converters/synthetic_mesh.py'


def dataset(**options):
    return SyntheticMeshDataset(**(dict(num_samples=20, image_size=(64, 48)) | options))


def tensors(batch, row=slice(None)):
    return {key: value[row] for part in batch.values() for key, value in part.items()}


def pixels(images):
    """``(...,H,W,3)`` in [0,255] of the network's input."""
    return np.moveaxis(images.numpy(), -3, -1) * np.float32(IMAGE_STD) * 255 + np.float32(IMAGE_MEAN) * 255


@pytest.mark.parametrize('body', BODIES)
@pytest.mark.parametrize('frames', [1, 3])
@pytest.mark.parametrize('image_size', [(64, 48), (96, 96)])
def test_batch_contract(body, frames, image_size):
    J, K, V = SHAPES[body]
    data = DATASETS.build(dict(type='SyntheticMeshDataset', num_samples=20, body=body, num_frames=frames, split='val',
                               image_size=image_size))
    batch, lead = data.__getitems__([3, 0]), (2, frames)
    fields = dict(
        image=(*lead, 3, *image_size), pose_image=(*lead, 3, *image_size), pose_detected=lead, valid=lead,
        joints=(*lead, J, 3), visible=(*lead, J), keypoints=(*lead, J, 2), keypoint_conf=(*lead, J),
        global_orient=(*lead, 1, 3, 3), body_pose=(*lead, K - 1, 3, 3), betas=(*lead, 10), translation=(*lead, 3),
        vertices=(*lead, V, 3), has_pose=lead, has_betas=lead, right=lead, scored=lead, frame_ids=lead, sequence=(2,),
        index=(2,), box_center=(*lead, 2), box_size=lead, image_size=(*lead, 2))
    values = tensors(batch)
    assert {key: tuple(value.shape) for key, value in values.items()} == fields
    flags = {'pose_detected', 'valid', 'visible', 'has_pose', 'has_betas', 'right', 'scored'}
    for key, value in values.items():
        numbers = key in ('frame_ids', 'sequence', 'index')
        wanted = torch.bool if key in flags else torch.int64 if numbers else torch.float32
        assert value.dtype == wanted and value.isfinite().all(), key
    assert values['index'].tolist() == [3, 0] and values['valid'].all()
    assert 'vertices' not in dataset(body=body)[0]['data_samples']
    assert 'pose_image' not in dataset(pose_form=None)[0]['inputs']


@pytest.mark.parametrize('body', BODIES)
def test_sample_depends_on_key_alone(body):
    data = dataset(body=body, num_frames=2, split='val')
    numpy_state, torch_state = np.random.get_state()[1].copy(), torch.get_rng_state()
    one, many = tensors(data[3], 0), tensors(data.__getitems__([7, 1, 3, 9, 2, 3, 4, 0]))
    assert (np.random.get_state()[1] == numpy_state).all() and (torch.get_rng_state() == torch_state).all()
    for row in (2, 5):
        for key, value in one.items():
            assert torch.equal(value, many[key][row]), key


def test_epochs_splits_and_seeds_differ():
    def joints(key, **options):
        return dataset(**options)[key]['data_samples'].joints
    base = joints(3)
    for other in (joints(23), joints(4), joints(3, split='val'), joints(3, seed=1), joints(3, split='val', seed=1)):
        assert not torch.allclose(base, other, atol=1e-3)
    assert torch.equal(joints(23, fixed=True), base)
    assert dataset()[23]['data_samples'].index.tolist() == [3]
    assert torch.equal(joints(23, num_samples=30), joints(23))  # the number of samples changes none of them


def test_cache_returns_the_same_pictures():
    plain, cached = dataset(fixed=True), dataset(fixed=True, cache=2)
    for keys in ([0, 1, 2], [22, 21, 20], [0, 5, 1]):
        assert torch.equal(plain.__getitems__(keys)['inputs']['image'], cached.__getitems__(keys)['inputs']['image'])
    assert len(cached.renderer.pictures) == 2


def test_workers_draw_the_same():
    data = dataset(num_samples=8)
    loader = DataLoader(data, batch_size=4, num_workers=2, collate_fn=batch_collate,
                        sampler=EndlessSampler(data, shuffle=False, seed=0))
    for begin, batch in zip((0, 4, 8), loader, strict=False):
        own = tensors(data.__getitems__(range(begin, begin + 4)))
        assert all(torch.equal(own[key], value) for key, value in tensors(batch).items())


@pytest.mark.parametrize('body', BODIES)
@pytest.mark.parametrize('rotation', ['full', 'limited'])
def test_labels_agree(body, rotation):
    data = dataset(body=body, rotation=rotation, num_frames=2)
    _, targets = data.render(np.arange(12))
    flat = {key: value.flatten(0, 1) for key, value in targets.items()}
    model = SkinnedModel(body, joint_order=data.figure.joint_order)
    posed = model(flat['global_orient'], flat['body_pose'], flat['betas'], flat['translation'])
    scale = dict(open_hand=2e-6, open_body=2e-5)[body]  # float32 at the distance of the camera
    torch.testing.assert_close(posed['vertices'], flat['vertices'], atol=scale, rtol=0)
    torch.testing.assert_close(posed['joints'], flat['joints'], atol=scale, rtol=0)
    torch.testing.assert_close(project_to_crop(flat['joints'], torch.zeros(3)), flat['keypoints'], atol=2e-6, rtol=0)
    torch.testing.assert_close(torch.linalg.det(flat['body_pose']), torch.ones(flat['body_pose'].shape[:2]))
    if body == 'open_hand':
        view = torch.tensor([48 / 64, 1.0]) / 2
        assert (flat['keypoints'].abs() < view).float().mean() > 0.98


@pytest.mark.parametrize('body', BODIES)
def test_joints_lie_on_the_mesh(body):
    size = 256
    data = dataset(body=body, image_size=(size, size))
    _, targets = data.render(np.arange(10))
    for vertices, keypoints in zip(targets['vertices'][:, 0].numpy(), targets['keypoints'][:, 0].numpy()):
        _, depth = render(vertices, data.figure.faces, np.array([9.0, 9, 9]), FOCAL / CROP_SIZE * size, size)
        away = cv2.distanceTransform(np.isinf(depth).astype(np.uint8), cv2.DIST_L2, 3)
        places = np.round((keypoints + 0.5) * size).astype(int)
        places = places[((places >= 0) & (places < size)).all(1)]
        distances = away[places[:, 1], places[:, 0]]
        assert (distances < 1.5).mean() > 0.85 and distances.max() < 6


def test_picture_shows_the_mesh_where_the_labels_say():
    data = dataset(image_size=(128, 96), occlusion=0, corruption=False)
    keys = np.arange(8)
    pictures, targets = data.render(keys)
    image, pose = (pixels(data.__getitems__(keys)['inputs'][key])[:, 0] for key in ('image', 'pose_image'))
    np.testing.assert_allclose(image, pictures[:, 0, :, 16:-16], atol=0.01)
    places = ((targets['keypoints'][:, 0] + 0.5) * 128).round().long() - torch.tensor([16, 0])
    seen = ((places >= 0) & (places < torch.tensor([96, 128]))).all(-1)
    row = torch.arange(8)[:, None].expand(seen.shape)[seen]
    assert (pose[row, places[seen][:, 1], places[seen][:, 0]].max(-1) > 90).all()
    assert (pose.max(-1) > 1).mean() < 0.2  # black elsewhere


def test_left_is_left():
    figure = dataset(body='open_body').figure
    left, right = (figure.skeleton.joints.index(f'{side}-shoulder') for side in ('left', 'right'))
    x = dataset(body='open_body', rotation='limited').render(np.arange(16))[1]['joints'][:, 0, :, 0]
    assert (x[:, left] > x[:, right]).all()  # seen from the front, the left arm is on the right of the picture


def test_fingers_bend_towards_the_palm():
    targets = dataset(rotation='limited').render(np.arange(64))[1]
    joints = (targets['joints'][:, 0] - targets['joints'][:, 0, :1]) @ targets['global_orient'][:, 0, 0]  # hand's axes
    tips, knuckles = joints[:, [8, 12, 16, 20]], joints[:, [5, 9, 13, 17]]
    assert ((tips - knuckles)[..., 1] < 0.02).all()  # the palm faces -y
    assert (joints[:, 4, 2] > joints[:, 17, 2]).all()  # the thumb stays on its side of the little finger's knuckle


@pytest.mark.parametrize('body', BODIES)
@pytest.mark.parametrize('rotation', ['full', 'limited'])
def test_windows_are_smooth(body, rotation):
    data = dataset(body=body, rotation=rotation, num_frames=45, image_size=(16, 16))
    joints = data.render(np.arange(3))[1]['joints']
    joints = joints - joints.mean((1, 2), keepdim=True)
    size = joints.norm(dim=-1).amax()
    assert joints.diff(dim=1).norm(dim=-1).amax() < 0.25 * size
    assert joints.diff(n=2, dim=1).norm(dim=-1).amax() < 0.04 * size
    assert (joints[:, 0] - joints[:, 20]).norm(dim=-1).amax() > 0.1 * size  # and they move


def test_bad_frames_spoil_some_pictures_and_no_label():
    numbers = np.arange(12)
    (good, labels), (bad, same) = (dataset(num_frames=3, image_size=(48, 48), bad_frames=share).render(numbers)
                                   for share in (0, 0.5))
    for name, value in labels.items():
        torch.testing.assert_close(same[name], value, rtol=0, atol=0)
    first = (good[:, 0] == bad[:, 0]).all((1, 2, 3))  # later ones have other grain
    assert 2 <= first.sum() <= 10


def test_sequences_of_the_evaluation():
    single, windows = dataset(split='val', num_samples=5), dataset(split='val', num_samples=5, num_frames=3)
    assert [s['frame_ids'].tolist() for s in single.metainfo['sequences']] == [[0, 1, 2, 3, 4]]
    assert [s['frame_ids'].tolist() for s in windows.metainfo['sequences']] == [[0, 1, 2]] * 5
    assert 'sequences' not in dataset().metainfo
    for data in (single, windows):
        scored = [[] for _ in data.metainfo['sequences']]
        for keys in SequenceBatchSampler(SequenceSampler(data), batch_size=2):
            sample = data.__getitems__(keys)['data_samples']
            for sequence, frames in zip(sample.sequence.tolist(), sample.frame_ids.tolist()):
                scored[sequence] += frames
        assert scored == [s['frame_ids'].tolist() for s in data.metainfo['sequences']]


@pytest.mark.parametrize('options, message', [
    (dict(split='test'), "split='test'"), (dict(rotation='some'), "rotation='some'"),
    (dict(pose_form='drawing'), "pose_form='drawing'"), (dict(image_size=(48, 64)), r'image_size=\(48, 64\)'),
    (dict(num_frames=0), 'num_frames=0'), (dict(cache=3), 'fixed=True')])
def test_wrong_options(options, message):
    with pytest.raises(ValueError, match=message):
        dataset(**options)


def test_converter_writes_what_the_reader_reads(tmp_path):
    subprocess.run([sys.executable, TOOL, tmp_path, '--length', '3', '--size', '128'], check=True)
    read = ImageMeshDataset(str(tmp_path), dict(type='hamer_npz', file='synthetic_hands.npz'),
                            crop=dict(size=64, width=64, rescale=2.0), test_mode=True).__getitems__([0, 1, 2])
    _, targets = dataset(num_samples=3, image_size=(128, 128), split='val').render(np.arange(3))
    sample = read['data_samples']
    for key in ('joints', 'global_orient', 'body_pose', 'betas'):
        torch.testing.assert_close(sample.get(key), targets[key], atol=1e-5, rtol=0)
    torch.testing.assert_close(sample.keypoints * sample.box_size[..., None, None] + sample.box_center[..., None, :],
                               (targets['keypoints'] + 0.5) * 128, atol=2e-3, rtol=0)
