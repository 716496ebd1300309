"""Keypoints at (0, 0) in the files of lifting are keypoints that no detector found."""
import numpy as np
from helpers.lifting_fixture import h36m, mpi_inf_3dhp, write_3dhp, write_h36m

from mmegopose.datasets import Human36MDataset
from mmegopose.datasets.readers.lifting import read_h36m, read_mpi_inf_3dhp
from mmegopose.datasets.readers.lifting.keypoint_sequences import hold_undetected


def test_a_lost_keypoint_stays_where_it_was_without_confidence():
    given = np.arange(1, 5)[:, None, None] * np.ones((4, 3, 3))
    given[[0, 2], 0], given[:, 1] = 0, 0
    held, detected = hold_undetected(given)
    assert detected.tolist() == [[0, 0, 1], [1, 0, 1], [0, 0, 1], [1, 0, 1]]
    assert held[:, 0].tolist() == [[2, 2, 0], [2, 2, 2], [2, 2, 0], [4, 4, 4]]
    assert held[:, 1].tolist() == [[1.5, 1.5, 0], [2, 2, 0], [2.5, 2.5, 0], [4, 4, 0]]  # never: amid the others
    np.testing.assert_array_equal(held[:, 2], given[:, 2])
    assert hold_undetected(given[:, 2:])[0] is not None and hold_undetected(given[:, 2:])[1].all()


def test_readers_mark_them(tmp_path):
    world, points, metadata = h36m(tmp_path)
    whole = read_h36m(str(write_h36m(tmp_path, world, points, metadata)), keypoints='gt', cache_dir=tmp_path / 'a')
    assert 'detected' not in whole.frames
    points['S1']['Walking'][0][5, 13] = 0
    write_h36m(tmp_path, world, points, metadata)
    store = read_h36m(str(tmp_path), keypoints='gt', cache_dir=tmp_path / 'a')
    row, = np.argwhere(~store.frames['detected'])
    assert row[1] == 13 and store.report['keypoints that were not detected (0, 0)'] == 1
    np.testing.assert_array_equal(store.frames['keypoints'][row[0], 13], whole.frames['keypoints'][row[0] - 1, 13])
    batch = Human36MDataset(str(tmp_path), keypoints='gt', num_frames=9, cache_dir=tmp_path / 'a').__getitems__(
        range(30))
    assert not batch['inputs']['detected'].all() and batch['inputs']['keypoints'].abs().max() < 2
    train, test = mpi_inf_3dhp()
    train['S1 Seq1'][0]['0']['data_2d'][3, 4] = 0
    store = read_mpi_inf_3dhp(str(write_3dhp(tmp_path, train, test)), cache_dir=tmp_path / 'b')
    assert np.argwhere(~store.frames['detected']).tolist() == [[3, 4]]
