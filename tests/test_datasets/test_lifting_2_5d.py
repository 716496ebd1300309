"""MotionBERT's Human3.6M: reader, targets and scores, against values made one frame at a time."""
import math
import pickle

import numpy as np
import pytest
import torch

from mmegopose.datasets import EpochSampler, Human36M25DDataset
from mmegopose.evaluation.functional.joint_errors import aligned_errors
from mmegopose.evaluation.metrics import LiftingMetric
from mmegopose.files import BadFile
from mmegopose.pickles import RefusedFile
from mmegopose.structures import get_skeleton

FILE = 'h36m_sh_conf_cam_source_final.pkl'
FLIP = list(get_skeleton('h36m17').flip)
RECORDINGS = [  # source, camera, height of the image, action, frames
    ('s_09_act_02_subact_01_ca_01', '54138969', 1002, 'Directions', 7),
    ('s_09_act_05_subact_02_ca_02', '55011271', 1000, 'Greet', 5),  # left out: its ground truth drifts
    ('s_11_act_05_subact_02_ca_03', '58860488', 1000, 'Greet', 9),
    ('s_11_act_14_subact_01_ca_04', '60457274', 1002, 'Walking', 6)]


def split(recordings=tuple(RECORDINGS), seed=0):
    rng = np.random.default_rng(seed)
    frames = [one[:4] for one in recordings for _ in range(one[4])]
    count = len(frames)
    poses = rng.normal(0, 90, (count, 17, 3)) + [500, 480, 30]
    factor = rng.uniform(3, 6, count)
    return dict(joint_2d=poses[..., :2] + rng.normal(0, 5, (count, 17, 2)), confidence=rng.uniform(0, 1, (count, 17)),
                joint3d_image=poses, camera_name=[frame[1] for frame in frames], source=[frame[0] for frame in frames],
                action=np.array([frame[3] for frame in frames], object),
                **{'2.5d_factor': factor, 'joints_2.5d_image': poses * factor[:, None, None]})


def write(root, **splits):
    with open(root / FILE, 'wb') as file:
        pickle.dump({name: splits.get(name, split()) for name in ('train', 'test')}, file, protocol=4)
    return root


def build(root, which='test', num_frames=3, **kwargs):
    return Human36M25DDataset(str(root), which, num_frames=num_frames, protocol='motionbert_2_5d', confidence=True,
                              cache_dir=str(root / 'cache'), **kwargs)


def on_screen(point, height):
    """Pixels of an image 1000 wide to screen units, one coordinate at a time."""
    x, y, *z = point
    return [x / 1000 * 2 - 1, y / 1000 * 2 - height / 1000, *(depth / 1000 * 2 for depth in z)]


@pytest.mark.parametrize('which', ['train', 'test'])
def test_every_frame_is_on_the_screen_relative_to_its_root(tmp_path, which):
    data, frames = split(seed=3), build(write(tmp_path, **{which: split(seed=3)}), which).store.frames
    heights = [one[2] for one in RECORDINGS for _ in range(one[4])]
    for row, height in enumerate(heights):
        root = on_screen(data['joint3d_image'][row, 0], height)
        assert frames['root'][row] == pytest.approx(root, abs=1e-6)
        assert frames['scale'][row] == pytest.approx(data['2.5d_factor'][row] * 500 / 1000)
        for joint in range(17):
            xyz = on_screen(data['joint3d_image'][row, joint], height)
            assert frames['joints'][row, joint] == pytest.approx([a - b for a, b in zip(xyz, root)], abs=1e-6)
            assert frames['keypoints'][row, joint] == pytest.approx(
                [*on_screen(data['joint_2d'][row, joint], height), data['confidence'][row, joint]], abs=1e-6)


def test_recordings_by_their_source(tmp_path):
    store = build(write(tmp_path)).store
    assert [s['uid'] for s in store.sequences] == [
        'S9/act_02_subact_01/54138969', 'S9/act_05_subact_02/55011271', 'S11/act_05_subact_02/58860488',
        'S11/act_14_subact_01/60457274']
    assert [s['action'] for s in store.sequences] == ['Directions', 'Greet', 'Greet', 'Walking']
    assert [s['image_size'] for s in store.sequences] == [[1000, one[2]] for one in RECORDINGS]
    assert store.offsets.tolist() == [0, 7, 12, 21, 27] and not store.report


def test_the_score_is_in_millimetres_of_the_file(tmp_path):
    """MPJPE and PA-MPJPE of whole windows, by actions, as MotionBERT's evaluation has them."""
    data = split(seed=5)
    data['joints_2.5d_image'] = data['joints_2.5d_image'] + np.random.default_rng(6).normal(0, 20, (27, 17, 3))
    dataset = build(write(tmp_path, test=data), test_mode=True)
    assert list(dataset.store.report.values()) == [27]  # the two truths of a frame differ
    batch = dataset.__getitems__(range(len(dataset)))
    sample = batch['data_samples'].clone()
    sample.pred_joints = sample.joints + torch.from_numpy(np.random.default_rng(7).normal(0, 0.03, sample.joints.shape))
    metric = LiftingMetric()
    metric.dataset_meta = dataset.metainfo
    metric.process(None, [sample.to_dict()])
    found = metric.evaluate(len(dataset))
    errors, begin, window = {}, 0, 0
    for source, _, _, action, count in RECORDINGS:
        for first in range(0, count - 2, 3):
            for position in range(3):
                row = begin + first + position
                pred = sample.pred_joints[window, position].numpy() * 500 * data['2.5d_factor'][row]
                pred[0] = 0
                true = data['joints_2.5d_image'][row] - data['joints_2.5d_image'][row, 0]
                aligned = aligned_errors(*(torch.from_numpy(x)[None] for x in (pred, true)),
                                         torch.ones(1, 17, dtype=torch.bool))[0].mean()
                if source != 's_09_act_05_subact_02_ca_02':
                    errors.setdefault(action, []).append(
                        [sum(math.dist(a, b) for a, b in zip(pred, true)) / 17, float(aligned)])
            window += 1
        begin += count
    by_action = {action: np.mean(values, 0) for action, values in errors.items()}
    assert window == len(dataset) and sorted(by_action) == ['Directions', 'Greet', 'Walking']
    assert found['lifting/action/Greet/MPJPE'] == pytest.approx(by_action['Greet'][0], abs=1e-3)
    assert [found['lifting/MPJPE'], found['lifting/PA-MPJPE']] == pytest.approx(
        np.mean(list(by_action.values()), 0).tolist(), abs=1e-3)


def test_half_of_the_windows_are_mirrored_and_other_ones_in_the_next_epoch(tmp_path):
    write(tmp_path, train=split([RECORDINGS[0][:4] + (300,)]))
    plain, mirrored = build(tmp_path, 'train', window_stride=1), build(
        tmp_path, 'train', window_stride=1, mirror_prob=0.5)
    keys = np.arange(len(plain))
    straight, drawn = plain.__getitems__(keys), mirrored.__getitems__(keys)
    chosen = (straight['inputs']['keypoints'] != drawn['inputs']['keypoints']).flatten(1).any(1)
    assert 0.4 < chosen.float().mean() < 0.6
    sign = torch.tensor([-1, 1, 1])
    for before, after in ((straight['inputs']['keypoints'], drawn['inputs']['keypoints']),
                          (straight['data_samples'].joints, drawn['data_samples'].joints)):
        torch.testing.assert_close(after[chosen], (before[:, :, FLIP] * sign)[chosen], atol=0, rtol=0)
        torch.testing.assert_close(after[~chosen], before[~chosen], atol=0, rtol=0)
    sampler = EpochSampler(mirrored, shuffle=True, seed=0)
    first = set(sampler)
    sampler.set_epoch(1)
    assert first == set(keys.tolist()) and set(sampler) == set((keys + len(keys)).tolist())
    again = mirrored.__getitems__(keys + len(keys))['inputs']['keypoints']
    assert (again != drawn['inputs']['keypoints']).any()
    test = build(tmp_path, 'test', mirror_prob=0.5, test_mode=True)
    np.testing.assert_array_equal(test[0]['inputs']['keypoints'][0], test.store.frames['keypoints'][:3])


def test_true_keypoints_and_no_confidence(tmp_path):
    data = split()
    write(tmp_path, test=data)
    keypoints = build(tmp_path, keypoints='gt').store.frames['keypoints']
    assert (keypoints[..., 2] == 1).all()
    assert keypoints[0, 5, :2] == pytest.approx(on_screen(data['joint3d_image'][0, 5, :2], 1002), abs=1e-6)
    del data['confidence']
    assert (build(write(tmp_path, test=data))[0]['inputs']['keypoints'][..., 2] == 1).all()


def test_training_needs_no_factor_but_a_score_does(tmp_path):
    data = {name: values for name, values in split().items() if '2.5d' not in name and name != 'action'}
    write(tmp_path, train=data)
    assert build(tmp_path, 'train').store.sequences[0]['action'] == 'act_02_subact_01'
    with pytest.raises(ValueError, match="h36m_2_5d train of h36m_sh.*has no '2.5d_factor'.*evaluate on split='test'"):
        build(tmp_path, 'train', test_mode=True)
    with pytest.raises(BadFile, match=r"test has no \['action', '2.5d_factor', 'joints_2.5d_image'\], only"):
        build(write(tmp_path, test=data))


@pytest.mark.parametrize('spoil, message', [
    (lambda d: d.update(source=['walk'] * 27), "frames 0 to 26 are of source 'walk', camera '54138969'"),
    (lambda d: d.update(camera_name=['1'] * 27), r"camera '1'; it should be .* one of the cameras \['54138969'"),
    (lambda d: d.update(camera_name=['54138969'] * 3 + d['camera_name'][3:][::-1]), 'should have one camera'),
    (lambda d: d.update(joint_2d=d['joint_2d'][:20]), '20 frames of keypoints for 27 of 3D joints'),
    (lambda d: d.update(joint_2d=d['joint_2d'] / 1000), 'look screen-normalised'),
    (lambda d: d.update(confidence=d['confidence'][:, :5]), 'confidence should be one number for each of the 17'),
    (lambda d: d.update(source=d['source'][:9]), r"'source' has the shape \(9,\), for 27 poses"),
    (lambda d: d.update({'2.5d_factor': -d['2.5d_factor']}), "'2.5d_factor' should be a positive number"),
    (lambda d: d.update(joint3d_image=d['joint3d_image'] * np.nan), 'joint3d_image are not finite in 27 frames')])
def test_what_is_wrong_is_named(tmp_path, spoil, message):
    data = split()
    spoil(data)
    with pytest.raises(BadFile, match=message):
        build(write(tmp_path, test=data))


def test_other_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'h36m_sh_conf_cam_source_final.pkl is missing: .*docs/pose3d.md'):
        build(tmp_path)
    with pytest.raises(ValueError, match=r"split='val' should be one of \['train', 'test'\]"):
        build(tmp_path, 'val')
    (tmp_path / FILE).write_bytes(pickle.dumps(dict(data_input=np.zeros(3), data_label=None)))
    with pytest.raises(BadFile, match="dicts 'train' and 'test'"):
        build(tmp_path)
    (tmp_path / FILE).write_bytes(pickle.dumps(print))
    with pytest.raises(RefusedFile, match='nothing in it was run'):
        build(tmp_path)
