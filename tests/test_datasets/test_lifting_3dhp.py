"""MPI-INF-3DHP: the npz files, and the conversion of the official ones."""
import runpy
import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from helpers.lifting_fixture import mpi_inf_3dhp, write_3dhp

from mmegopose.datasets import MPIINF3DHPDataset
from mmegopose.datasets.converters import mpi_inf_3dhp as official
from mmegopose.datasets.converters.mat_file import read_mat
from mmegopose.files import BadFile

CONVERTER = Path(__file__).parents[2] / 'tools/dataset_converters/mpi_inf_3dhp.py'


def uids(dataset):
    return [s['uid'] for s in dataset.store.sequences]


def open_3dhp(root, split, **kwargs):
    return MPIINF3DHPDataset(str(root), split, num_frames=9, cache_dir=str(root / 'cache'), **kwargs)


def test_3dhp(tmp_path):
    train, test = mpi_inf_3dhp()
    write_3dhp(tmp_path, train, test)
    dataset = open_3dhp(tmp_path, 'train', mirror=True)
    assert uids(dataset) == ['S1/Seq1/0', 'S1/Seq1/8', 'S3/Seq2/0'] and 'visible' not in dataset.store.frames
    assert [s['fps'] for s in dataset.store.sequences] == [25, 25, 50]
    joints = train['S1 Seq1'][0]['8']['data_3d'] / 1000
    frames = {key: values[20:40] for key, values in dataset.store.frames.items()}
    np.testing.assert_allclose(frames['joints'], joints - joints[:, 14:15], atol=1e-6)
    np.testing.assert_allclose(frames['root'], joints[:, 14], atol=1e-6)
    np.testing.assert_allclose(frames['keypoints'], train['S1 Seq1'][0]['8']['data_2d'] / 1024 - 1, atol=1e-6)

    dataset = open_3dhp(tmp_path, 'test', test_mode=True, protocol='stcformer')
    assert uids(dataset) == ['TS1/TS1/0', 'TS5/TS5/0'] and dataset.store.sequences[0]['name'] == 'TS1'
    assert [s['image_size'] for s in dataset.store.sequences] == [[2048, 2048], [1920, 1080]]
    np.testing.assert_allclose(dataset.store.frames['keypoints'][11:],
                               test['TS5']['data_2d'] / 960 - [1, 1080 / 1920], atol=1e-6)
    valid = np.flatnonzero(np.arange(15) % 3 > 0)
    sequence = dataset.metainfo['sequences'][1]
    np.testing.assert_array_equal(sequence['frame_ids'], valid)
    np.testing.assert_array_equal(sequence['activity'], valid % 7 + 1)
    sample = open_3dhp(tmp_path, 'test', test_mode=True, subjects=['TS5']).__getitems__([0, 1])['data_samples']
    np.testing.assert_array_equal(sample.visible[..., 0], sample.frame_ids % 3 > 0)
    assert sample.scored.all()


@pytest.mark.parametrize('split, spoil, message', [
    ('train', lambda d: d['S1 Seq1'][0]['0'].update(data_3d=d['S1 Seq1'][0]['0']['data_3d'] / 1000),
     'data_train_3dhp.npz: S1 Seq1, camera 0: 3D joints should be in mm, but are typically .* looks like m; convert'),
    ('train', lambda d: d['S1 Seq1'][0]['8'].update(data_2d=d['S1 Seq1'][0]['8']['data_2d'] / 1024 - 1),
     'S1 Seq1, camera 8: keypoints should be pixels'),
    ('train', lambda d: d['S3 Seq2'][0]['0'].pop('data_2d'),
     r"data_train_3dhp.npz: 'S3 Seq2' should hold the arrays \['data_2d', 'data_3d'\], got \['data_3d'\]"),
    ('train', lambda d: d.update({'TS1': {}}), r"'TS1' should be 'S1 Seq1', say, and hold \[{camera: arrays}, fps\]"),
    ('test', lambda d: d['TS1'].pop('valid'), r"'TS1' should hold the arrays \['data_2d', 'data_3d', 'valid'\], got"),
    ('test', lambda d: d['TS1'].update(valid=np.ones(3)), "TS1 TS1, camera 0: 'valid' has 3 values for 11 frames"),
    ('test', lambda d: d['TS5'].pop('activity'), 'TS5 has the arrays .* but the clips before it have .*activity'),
    ('test', lambda d: d.clear(), 'data_test_3dhp.npz has no sequence')])
def test_bad_3dhp_files_are_told(tmp_path, split, spoil, message):
    train, test = mpi_inf_3dhp()
    spoil(dict(train=train, test=test)[split])
    with pytest.raises(BadFile, match=message):
        open_3dhp(write_3dhp(tmp_path, train, test), split)


def test_missing_3dhp_parts_are_told(tmp_path):
    with pytest.raises(FileNotFoundError, match='data_train_3dhp.npz is missing: tools/.*/mpi_inf_3dhp.py'):
        open_3dhp(tmp_path, 'train')
    with pytest.raises(ValueError, match="split='val' should be 'train' or 'test'"):
        open_3dhp(tmp_path, 'val')
    write_3dhp(tmp_path, *mpi_inf_3dhp())
    with pytest.raises(ValueError, match=r"data_test_3dhp.npz has no subjects \['TS9'\], only \['TS1', 'TS5'\]"):
        open_3dhp(tmp_path, 'test', subjects=['TS1', 'TS9'])
    np.savez(tmp_path / 'data_test_3dhp.npz', data=np.zeros(3))
    with pytest.raises(BadFile, match="'data' should hold its sequences by name, got ndarray"):
        open_3dhp(tmp_path, 'test')


def write_official_3dhp(root):
    """The official MATLAB files of two training and two test sequences: ``{name: (keypoints, joints)}``."""
    import h5py
    rng, truth = np.random.default_rng(3), {}
    for name, frames in (('S1/Seq1', 6), ('S1/Seq2', 4)):
        points, joints = rng.uniform(0, 2048, (14, frames, 28, 2)), rng.normal(0, 800, (14, frames, 28, 3))
        cells = {}
        for key, values in (('annot2', points), ('univ_annot3', joints), ('annot3', joints * 1.1)):
            cells[key] = np.empty((14, 1), object)
            for camera in range(14):
                cells[key][camera, 0] = values[camera].reshape(frames, -1)
        (root / name).mkdir(parents=True)
        scipy.io.savemat(root / name / 'annot.mat', dict(
            cells, cameras=np.arange(14, dtype=np.uint8)[None], frames=np.arange(frames)[:, None]))
        truth[name] = points, joints
    for name, frames in (('TS2', 5), ('TS6', 3)):
        points, joints = rng.uniform(0, 1080, (frames, 1, 17, 2)), rng.normal(0, 800, (frames, 1, 17, 3))
        (root / 'mpi_inf_3dhp_test_set' / name).mkdir(parents=True)
        with h5py.File(root / 'mpi_inf_3dhp_test_set' / name / 'annot_data.mat', 'w') as file:
            file.update(annot2=points, annot3=joints * 1.1, univ_annot3=joints,
                        valid_frame=(np.arange(frames) % 2 == 0).astype(float)[:, None],
                        activity_annotation=(np.arange(frames) % 7 + 1.)[:, None])
        truth[name] = points[:, 0], joints[:, 0]
    return truth


@pytest.fixture
def convert(monkeypatch, capfd):
    """Runs the converter in this process; returns what it tells."""
    def run(*arguments, expect=0):
        monkeypatch.setattr(sys, 'argv', [str(CONVERTER), *map(str, arguments)])
        try:
            runpy.run_path(str(CONVERTER), run_name='__main__')
            status = 0
        except SystemExit as done:
            status = done.code
        assert status == expect
        return ''.join(capfd.readouterr())
    return run


def test_official_3dhp_files_are_converted(tmp_path, convert):
    pytest.importorskip('h5py')
    truth = write_official_3dhp(tmp_path / 'raw')
    text = convert(tmp_path / 'raw', tmp_path, '--sequences', *truth)
    assert '2 sequences -> ' in text and 'data_test_3dhp.npz' in text
    keep = [7, 5, 14, 15, 16, 9, 10, 11, 23, 24, 25, 18, 19, 20, 4, 3, 6]
    data = np.load(tmp_path / 'data_train_3dhp.npz', allow_pickle=True)['data'].item()  # as the papers' code does
    assert list(data) == ['S1 Seq1', 'S1 Seq2'] and [data[name][1] for name in data] == [25, 50]
    assert list(data['S1 Seq1'][0]) == ['0', '1', '2', '4', '5', '6', '7', '8']
    for name in data:
        points, joints = truth[name.replace(' ', '/')]
        for camera, view in data[name][0].items():
            np.testing.assert_allclose(view['data_2d'], points[int(camera)][:, keep], rtol=1e-6)
            np.testing.assert_allclose(view['data_3d'], joints[int(camera)][:, keep], rtol=1e-6)
    train, test = open_3dhp(tmp_path, 'train'), open_3dhp(tmp_path, 'test', test_mode=True, protocol='stcformer')
    assert len(uids(train)) == 16 and uids(test) == ['TS2/TS2/0', 'TS6/TS6/0']
    joints = truth['TS6'][1] / 1000
    np.testing.assert_allclose(test.store.frames['joints'][5:], joints - joints[:, 14:15], atol=1e-6)
    assert [s['frame_ids'].tolist() for s in test.metainfo['sequences']] == [[0, 2, 4], [0, 2]]
    assert [s['activity'].tolist() for s in test.metainfo['sequences']] == [[1, 3, 5], [1, 3]]


@pytest.mark.parametrize('arguments, message', [
    (['--sequences', 'S1/Seq1', 'TS1'], "lacks ['S1/Seq1/annot.mat']: download them, or name the sequences to convert"),
    (['--sequences', 'S9/Seq1'], "unknown sequences ['S9/Seq1']; known: ['S1/Seq1', 'S1/Seq2', "),
    (['--split', 'train', '--sequences', 'TS1'], "none of the sequences ['TS1'] is in split 'train'")])
def test_sequences_that_cannot_be_converted_are_told(tmp_path, convert, arguments, message):
    assert message in convert(tmp_path, tmp_path / 'out', *arguments, expect=2)
    assert not (tmp_path / 'out').exists()


def cell(values):
    """A MATLAB cell array of one element."""
    found = np.empty((1, 1), object)
    found[0, 0] = values
    return found


@pytest.mark.parametrize('content, message', [
    (None, r'annot.mat is damaged or no MATLAB file of version 5 \(.*download it again'),
    (dict(annot2=np.zeros((2, 2))), r"is not the annot.mat of MPI-INF-3DHP: it lacks \['univ_annot3'\]; download it"),
    (dict(annot2=cell(np.zeros((4, 56))), univ_annot3=cell(np.zeros((4, 84))), cameras=[3]),
     r'lacks the cameras \[0\]; it has \[3\]'),
    (dict(annot2=cell(np.zeros((4, 30))), univ_annot3=cell(np.zeros((4, 84)))),
     r'annot.mat: camera 0 should be \(frames, 56\), got \(4, 30\)')])
def test_bad_official_3dhp_files_are_told(tmp_path, content, message):
    path = tmp_path / 'annot.mat'
    if content is None:
        path.write_bytes(b'no MATLAB file')
    else:
        scipy.io.savemat(path, content)
    with pytest.raises(BadFile, match=message):
        next(official.read_train({'S1/Seq1': path}, [0]))


@pytest.mark.parametrize('packed', [False, True])
def test_matlab_files_are_read_as_scipy_reads_them(tmp_path, packed):
    rng, path = np.random.default_rng(0), tmp_path / 'a.mat'
    content = dict(cells=cell(rng.normal(size=(6, 56))), frames=np.arange(5)[:, None], one=np.float32(2.5), text='a',
                   ints=np.arange(6, dtype=np.int16).reshape(2, 3), camera=np.arange(14, dtype=np.uint8)[None])
    scipy.io.savemat(path, content, do_compression=packed)
    names = [name for name in content if name != 'text']
    found, wanted = read_mat(path, names), scipy.io.loadmat(path)
    assert sorted(found) == sorted(names)
    np.testing.assert_array_equal(found['cells'][0, 0], wanted['cells'][0, 0])
    for name in names[1:]:
        assert found[name].dtype == wanted[name].dtype and found[name].shape == wanted[name].shape
        np.testing.assert_array_equal(found[name], wanted[name])
    with pytest.raises(BadFile, match='an array of class 4'):
        read_mat(path, ['text'])


def test_damaged_matlab_files_are_told_where_scipy_ends_the_interpreter(tmp_path):
    path = tmp_path / 'a.mat'
    scipy.io.savemat(path, dict(a=np.arange(40.0)))
    good = path.read_bytes()
    stored = good.rindex(b'\x09\0\0\0\x40\x01\0\0')  # the tag of 320 bytes of doubles
    for kind in (0, 8, 50, 255):
        path.write_bytes(good[:stored] + bytes([kind]) + good[stored + 1:])
        with pytest.raises(BadFile, match=r'a.mat is damaged or no MATLAB file of version 5 \(KeyError'):
            read_mat(path, ['a'])
    for end in range(0, len(good), 7):
        path.write_bytes(good[:end])
        with pytest.raises(BadFile, match='a.mat is damaged') if end != 128 else nullcontext():
            read_mat(path, ['a'])


def test_official_test_files_need_h5py(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'h5py', None)
    with pytest.raises(ImportError, match='test sequences are MATLAB 7.3 files, which h5py reads: pip install h5py'):
        next(official.read_test({'TS1': tmp_path / 'annot_data.mat'}))


def test_bad_official_test_files_are_told(tmp_path):
    h5py = pytest.importorskip('h5py')
    path = tmp_path / 'annot_data.mat'
    path.write_bytes(b'no MATLAB file')
    with pytest.raises(BadFile, match='annot_data.mat is not the annot_data.mat of MPI-INF-3DHP .*download it again'):
        next(official.read_test({'TS1': path}))
    with h5py.File(path, 'w') as file:
        file.update(annot2=np.zeros((3, 1, 17, 2)), univ_annot3=np.zeros((3, 1, 17, 3)), valid_frame=np.ones((2, 1)),
                    activity_annotation=np.ones((3, 1)))
    with pytest.raises(BadFile, match="annot_data.mat: arrays of different lengths .*'valid': 2"):
        next(official.read_test({'TS1': path}))
