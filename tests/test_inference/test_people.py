"""2D poses of one's own videos as a store, and a lifting data set over it."""
import numpy as np
import pytest
from helpers import pose_files as files
from helpers.pose_files import NUM_FRAMES, SIZE, people

from mmegopose.datasets.presets import LiftingDataset
from mmegopose.inference.inputs.poses_2d import read_poses_2d
from mmegopose.inference.people import people_store, read_people
from mmegopose.inference.tracking import track_people
from mmegopose.motion import Motion
from mmegopose.registry import READERS
from mmegopose.structures import convert_joints

K, S, THERE, SEEN = people()
ALL_SEEN = np.ones_like(SEEN)


@pytest.fixture
def file(tmp_path):
    return files.write_alphapose(tmp_path / 'a.json', K, S, THERE, ALL_SEEN)


def test_one_sequence_a_person(file):
    tracks = track_people(read_poses_2d(file, image_size=SIZE, fps=30, num_frames=NUM_FRAMES))
    store = people_store(tracks, 'h36m17')
    assert [s['uid'] for s in store.sequences] == ['1', '2'] and store.offsets.tolist() == [0, 24, 46]
    assert store.info['skeleton'] == 'h36m17' and store.info['fps'] == 30
    expected = convert_joints(K[0, 0], 'coco17', 'h36m17') / (SIZE[0] / 2) - [1, SIZE[1] / SIZE[0]]
    np.testing.assert_allclose(store.frames['keypoints'][0, :, :2], expected, atol=1e-5)
    assert store.frames['filled'][9].all() and store.frames['detected'].all() and 'joints' not in store.frames
    assert np.flatnonzero(store.frames['filled'][24:].any(1)).tolist() == [5, 6, 9]  # the second person


def test_a_data_set_lifts_it(file):
    store = READERS.build(dict(type='people_2d', data_root=str(file), image_size=SIZE, fps=30))
    data = LiftingDataset(store, protocol='overlap', num_frames=9, confidence=True, test_mode=True)
    batch = data.__getitems__(list(range(len(data))))
    assert batch['inputs']['keypoints'].shape[1:] == (9, 17, 3) and batch['inputs']['detected'].all()


def test_labels_beside_the_file(file, tmp_path):
    joints = np.random.default_rng(0).normal(size=(NUM_FRAMES, 17, 3))
    joints[7, 3] = np.nan
    Motion(np.arange(NUM_FRAMES) / 30, joints, 'h36m17', frame='camera').save(tmp_path / 'a.motion.npz')
    store = read_people(str(tmp_path), 'val', recordings=dict(val=['a.json']), image_size=SIZE, fps=30)
    assert [s['name'] for s in store.sequences] == ['a/1', 'a/2']
    np.testing.assert_allclose(store.frames['joints'][0], joints[0] - joints[0, :1], atol=1e-5)
    assert np.flatnonzero(~store.frames['visible']).tolist() == [7, *range(24, 46)]
    Motion(np.arange(NUM_FRAMES) / 30, joints, 'h36m17').save(tmp_path / 'a.motion.npz')
    with pytest.raises(ValueError, match='not in the world'):
        read_people(str(file), image_size=SIZE)


def test_what_is_needed(file, tmp_path):
    with pytest.raises(ValueError, match="person '1': the size of the images is not known: pass image_size"):
        read_people(str(file))
    with pytest.raises(ValueError, match=r"split='test' should be one of .*\['val'\]"):
        read_people(str(tmp_path), 'test', recordings=dict(val=['a.json']))
    empty = files.write_mmpose(tmp_path / 'e.json', K, S, np.zeros_like(THERE), SEEN)
    with pytest.raises(ValueError, match='nobody in the video'):
        read_people(str(empty))
    with pytest.raises(ValueError, match='nobody'):
        people_store([], 'h36m17')
