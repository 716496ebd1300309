"""Recordings of one's own as a store: sequences, cameras, labels, and a data set over it."""
import numpy as np
import pytest
from helpers.track_files import in_preset, sample_tracks, walk, write_csv, write_mps

from mmegopose.datasets.mocap_sequences import MocapSequences
from mmegopose.datasets.presets import HeadPoseDataset
from mmegopose.datasets.shipped_motion import ASSET
from mmegopose.geometry.conventions import PoseConvention
from mmegopose.inference.inputs import read_recordings, track_store
from mmegopose.inference.inputs.head_tracks import import_track
from mmegopose.motion import Motion
from mmegopose.registry import READERS

TIME, POSES = walk()
NUMBER = next(i for i, (_, poses) in enumerate(sample_tracks()) if len(poses) == len(POSES))
JOINTS = MocapSequences.load(ASSET)[NUMBER].joints


def write(folder, name, truth=True):
    folder = folder / name
    write_mps(folder, TIME, in_preset(POSES, 'aria'))
    if truth:
        joints = JOINTS.copy()
        joints[100:110, 3] = np.nan
        Motion(TIME, joints, 'coco17').save(folder / 'motion.npz')
    return folder


def test_each_unbroken_piece_is_a_sequence():
    keep = np.r_[0:200, 260:753]
    track = import_track(TIME[keep], POSES[keep], PoseConvention())
    store = track_store([track, track], names=['a', 'b'])
    assert [s['uid'] for s in store.sequences] == ['a#0', 'a#1', 'b#0', 'b#1'] and store.num_rows == 2 * 693
    assert store.frames['frame'][store.offsets[1]] == 260 and store.info['camera_axes'] == 'opencv'
    np.testing.assert_allclose(store.frames['head_pose'][:200], POSES[:200], atol=1e-9)
    assert store.frames['target'].all() and (store.frames['label'] == -1).all()


def test_a_model_may_expect_another_camera():
    track = import_track(TIME, POSES, PoseConvention(), device='aria_gen1')
    eyes, aria = track_store([track]), track_store([track], head_camera='aria_gen1', camera_axes='aria')
    np.testing.assert_allclose(eyes.frames['head_pose'], track.T_world_eyes, atol=1e-9)
    np.testing.assert_allclose(aria.frames['head_pose'], in_preset(POSES, 'aria'), atol=1e-9)


def test_a_folder_of_recordings_with_truth_trains(tmp_path):
    write(tmp_path, 'first')
    write(tmp_path, 'second', truth=False)
    store = READERS.build(dict(type='recordings', data_root=str(tmp_path)))
    assert [s['name'] for s in store.sequences] == ['first', 'second'] and len(store.tables['joints']) == 753
    label = store.frames['label']
    np.testing.assert_allclose(store.tables['joints'][label[:753]][store.tables['visible']], JOINTS[
        store.tables['visible']], atol=1e-5)
    assert (~store.tables['visible']).sum() == 10 and (label[753:] == -1).all()
    np.testing.assert_array_equal(store.frames['target'], label >= 0)
    data = HeadPoseDataset(store, dict(type='StridedWindows', num_frames=20, frame_step=3), [
        dict(type='TargetFrame', frame='heading'), dict(type='HeadPoseFeatures', kind='gravity_aligned'),
        dict(type='PackInputs')])
    batch = data.__getitems__(list(range(40)))
    assert batch['inputs']['head_pose'].shape == (40, 20, 16) and batch['data_samples'].visible.any()


def test_splits_and_single_recordings(tmp_path):
    write(tmp_path, 'a')
    write(tmp_path, 'b', truth=False)
    store = read_recordings(str(tmp_path), 'val', recordings=dict(train=['a'], val=['b']))
    assert [s['name'] for s in store.sequences] == ['b'] and store.info['split'] == 'val'
    assert read_recordings(str(tmp_path / 'a')).sequences[0]['name'] == 'a'
    write_csv(tmp_path / 'c.csv', TIME, in_preset(POSES, 'openxr'))
    assert read_recordings(str(tmp_path / 'c.csv'), preset='openxr').num_rows == 753
    axes = read_recordings(str(tmp_path / 'c.csv'), up='y', camera='opengl', head_camera='openxr', device='openxr')
    named = read_recordings(str(tmp_path / 'c.csv'), preset='openxr', head_camera='openxr')
    np.testing.assert_array_equal(axes.frames['head_pose'], named.frames['head_pose'])
    with pytest.raises(ValueError, match=r"split='test' should be one of .*\['train', 'val'\]"):
        read_recordings(str(tmp_path), 'test', recordings=dict(train=['a'], val=['b']))
    with pytest.raises(FileNotFoundError, match='there is no .*none'):
        read_recordings(str(tmp_path / 'none'))
    with pytest.raises(FileNotFoundError, match='d'):
        read_recordings(str(tmp_path), recordings=['d'])
    (tmp_path / 'empty').mkdir()
    with pytest.raises(ValueError, match='is empty'):
        read_recordings(str(tmp_path / 'empty'))
    Motion(TIME, JOINTS, 'coco17', frame='camera').save(tmp_path / 'a' / 'motion.npz')
    with pytest.raises(ValueError, match='labels are relative to the camera'):
        read_recordings(str(tmp_path / 'a'))
