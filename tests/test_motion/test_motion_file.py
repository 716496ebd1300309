"""The file of a motion: lossless, and safe to open whatever it holds."""
import io
import json
import os
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mmegopose.files import BadFile
from mmegopose.motion import Mesh, Motion
from mmegopose.npz import read_arrays, write_arrays

RNG = np.random.default_rng(0)


def head_poses(count):
    poses = np.tile(np.eye(4), (count, 1, 1))
    poses[:, :3, :3], poses[:, :3, 3] = Rotation.random(count, random_state=0).as_matrix(), RNG.normal(size=(count, 3))
    return poses


def full(dtype=np.float32):
    joints = RNG.normal(size=(5, 17, 3)).astype(dtype)
    joints[2, 3] = np.nan
    mesh = Mesh(RNG.normal(size=(5, 6, 3)).astype(dtype), np.array([[0, 1, 2], [3, 4, 5]], np.int32), 'open_body',
                dict(betas=RNG.normal(size=(5, 10)), pose=RNG.normal(size=(5, 2, 3, 3))))
    return Motion(np.arange(5) / 30, joints, 'coco17', RNG.random((5, 17)) > .3, 'world', 'Ana', RNG.random((5, 17)),
                  RNG.random((5, 17)), np.arange(5) == 1, head_poses(5), np.arange(5) != 2, mesh,
                  dict(model='m', checkpoint='ab12', options=dict(smooth=None, fps=30.0), source=['a', 1]),
                  RNG.random((5, 17, 2)) * 300, (640, 480))


def rewrite(path, **changes):
    """The same file with some arrays changed (None: left out), as numpy would write them."""
    with np.load(path, allow_pickle=False) as old:
        arrays = {**dict(old), **changes}
    np.savez(path, **{key: value for key, value in arrays.items() if value is not None})


def facts(path, **changes):
    with np.load(path, allow_pickle=False) as old:
        content = {**json.loads(str(old['facts'])), **changes}
    rewrite(path, facts=np.array(json.dumps(content)))


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
def test_load_gives_what_was_saved(tmp_path, dtype):
    path, saved = tmp_path / 'm.npz', full(dtype)
    saved.save(path)
    loaded = Motion.load(path)
    for key in ('time', 'joints', 'valid', 'confidence', 'spread', 'filled', 'head_pose', 'head_valid', 'keypoints'):
        a, b = getattr(saved, key), getattr(loaded, key)
        np.testing.assert_array_equal(a, b)
        assert a.dtype == b.dtype, key
    assert (loaded.skeleton, loaded.frame, loaded.person, loaded.image_size, loaded.provenance) == \
        (saved.skeleton, saved.frame, saved.person, saved.image_size, saved.provenance)
    assert loaded.mesh.body_model == 'open_body' and loaded.mesh.vertices.dtype == dtype
    for a, b in ((saved.mesh.vertices, loaded.mesh.vertices), (saved.mesh.faces, loaded.mesh.faces),
                 *((saved.mesh.parameters[key], loaded.mesh.parameters[key]) for key in ('betas', 'pose'))):
        np.testing.assert_array_equal(a, b)
    with np.load(path, allow_pickle=False) as arrays:  # any numpy opens it
        assert 'joints' in arrays


def test_a_bare_motion_stays_bare(tmp_path):
    Motion([0.], np.zeros((1, 17, 3)), 'h36m17', frame='root').save(tmp_path / 'm.npz')
    loaded = Motion.load(tmp_path / 'm.npz')
    assert loaded.mesh is loaded.head_pose is loaded.confidence is loaded.spread is None and loaded.frame == 'root'


def test_a_file_without_the_size_of_images_is_read(tmp_path):
    path = tmp_path / 'm.npz'
    Motion([0.], np.zeros((1, 17, 3)), 'h36m17').save(path)
    with np.load(path) as old:
        content = json.loads(str(old['facts']))
    del content['image_size']
    rewrite(path, facts=np.array(json.dumps(content)))
    assert Motion.load(path).image_size is None


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / 'm.npz'
    full().save(path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match='plain facts'):
        Motion([0.], np.zeros((1, 17, 3)), 'coco17', provenance=dict(model=object())).save(path)
    monkeypatch.setattr(os, 'fsync', lambda _: (_ for _ in ()).throw(OSError(28, 'No space left')))
    with pytest.raises(OSError, match='No space'):
        full().save(path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
    with pytest.raises(ValueError, match='should end in .npz'):
        full().save(tmp_path / 'm.txt')


@pytest.mark.parametrize('change, message', [
    (lambda p: p.write_bytes(p.read_bytes()[:-200]), 'cut off or no npz'), (lambda p: p.write_text('hello'), 'no npz'),
    (lambda p: rewrite(p, facts=None), 'not a saved motion.*facts'), (lambda p: rewrite(p, time=None), 'time'),
    (lambda p: rewrite(p, joints=np.zeros((5, 16, 3))), r'joints should be .*\(5, 16, 3\)'),
    (lambda p: rewrite(p, valid=np.ones((4, 17), bool)), 'valid'),
    (lambda p: rewrite(p, time=np.array([object()] * 5)), "'time' holds object"),
    (lambda p: rewrite(p, facts=np.array('{"format": 1}')), 'units'),
    (lambda p: rewrite(p, facts=np.array('{')), 'not a saved motion'),
    (lambda p: facts(p, format=9), 'newer version'), (lambda p: facts(p, units=dict(length='mm')), 'units'),
    (lambda p: facts(p, joint_names=['nose']), 'here they are'),
    (lambda p: facts(p, skeleton='no'), 'unknown skeleton'),
    (lambda p: facts(p, provenance=3), 'provenance'), (lambda p: facts(p, frame='x'), 'frame'),
    (lambda p: rewrite(p, **{'mesh.faces': np.array([[0, 1, 99]])}), 'faces')])
def test_a_damaged_file_is_named(tmp_path, change, message):
    path = tmp_path / 'm.npz'
    full().save(path)
    change(path)
    with pytest.raises(BadFile, match=message) as error:
        Motion.load(path)
    assert str(path) in str(error.value)


def member(path, name, header_shape, payload):
    """An npz with one member whose header may promise what is not there."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, dict(descr='<f8', fortran_order=False, shape=header_shape))
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f'{name}.npy', file.getvalue() + payload)


def test_memory_is_bounded(tmp_path):
    path = tmp_path / 'm.npz'
    member(path, 'joints', (10 ** 12, 17, 3), b'')
    with pytest.raises(BadFile, match='promises'):
        read_arrays(path)
    member(path, 'joints', (125_000,), bytes(1_000_000))  # 1 kB in the file
    assert path.stat().st_size < 5000
    with pytest.raises(BadFile, match='joints.*limit.*max_bytes'):
        read_arrays(path, max_bytes=500_000)
    assert read_arrays(path)['joints'].shape == (125_000,)
    full().save(path)
    with pytest.raises(BadFile, match='max_bytes'):
        Motion.load(path, max_bytes=1000)


def test_order_type_and_selection_of_arrays(tmp_path):
    path = tmp_path / 'm.npz'
    np.savez(path, a=np.asfortranarray(np.arange(6.).reshape(2, 3)), b=np.array('text'), c=np.zeros((0, 3), '>i2'))
    arrays = read_arrays(path)
    assert arrays['a'].tolist() == [[0, 1, 2], [3, 4, 5]] and str(arrays['b']) == 'text' and arrays['c'].shape == (0, 3)
    arrays['a'][0, 0] = 7  # may be changed
    assert list(read_arrays(path, ['b', 'z'])) == ['b']
    with pytest.raises(FileNotFoundError):
        read_arrays(tmp_path / 'none.npz')
    with pytest.raises(ValueError, match="'a' should hold numbers"):
        write_arrays(path, dict(a=np.array([None])))


@pytest.mark.parametrize('change, message', [
    (dict(time=np.arange(5).astype(str)), 'time should be numbers, got <U'),
    (dict(valid=np.full((5, 17), 'x')), 'valid'),
    (dict(filled=np.ones(5)), 'filled should be truth values'), (dict(head_pose=np.ones((5, 4, 4), bool)), 'head_pose'),
    (dict(confidence=np.full((5, 17), 99.0)), r'confidence should be in \[0,1\]'),
    (dict(head_pose=np.ones((5, 4, 4))), 'row 0 is no rigid'), (dict(head_pose=-head_poses(5)), 'row 0 is no rigid'),
    ({'mesh.vertices': np.full((5, 6, 3), 'x')}, 'mesh.vertices should be numbers'),
    ({'mesh.vertices': np.ones((5, 6, 3), bool)}, 'mesh.vertices should be numbers'),
    ({'mesh.parameters.betas': np.full(5, 'x')}, 'mesh.parameters.betas should be numbers')])
def test_values_of_a_wrong_kind_are_refused(change, message, tmp_path):
    full().save(tmp_path / 'm.npz')
    rewrite(tmp_path / 'm.npz', **change)
    with pytest.raises(BadFile, match=message):
        Motion.load(tmp_path / 'm.npz')


def test_what_is_not_loaded_is_not_saved(tmp_path):
    motion = full()
    for wrong, message in ((dict(confidence=motion.joints[..., 0] + 9), 'confidence'), (dict(
            head_pose=np.ones((5, 4, 4))), 'rigid')):
        with pytest.raises(ValueError, match=message):
            replace(motion, **wrong).save(tmp_path / 'm.npz')
    assert not (tmp_path / 'm.npz').exists()
    bent = motion.head_pose.copy()
    bent[2] = 7  # it is not valid
    replace(motion, head_pose=bent, confidence=motion.valid).save(tmp_path / 'm.npz')
    np.testing.assert_array_equal(Motion.load(tmp_path / 'm.npz').confidence, motion.valid)


@pytest.mark.parametrize('value', [float('nan'), -1, 0, 0.5, '1', None])
def test_formats_that_are_none(value, tmp_path):
    full().save(tmp_path / 'm.npz')
    facts(tmp_path / 'm.npz', format=value)
    with pytest.raises(BadFile, match='its format is .* no whole number'):
        Motion.load(tmp_path / 'm.npz')


def test_facts_are_checked_before_the_arrays_are_read(tmp_path, monkeypatch):
    full().save(tmp_path / 'm.npz')
    facts(tmp_path / 'm.npz', units=3)
    asked = []
    monkeypatch.setattr('mmegopose.motion.motion_file.read_arrays', lambda path, keys=None, *args, **kwargs:
                        asked.append(keys) or read_arrays(path, keys, *args, **kwargs))
    with pytest.raises(BadFile, match='units'):
        Motion.load(tmp_path / 'm.npz')
    assert asked == [['facts']]


@pytest.mark.parametrize('kind', ['lzma', 'header'])
def test_damage_of_any_kind_is_a_bad_file(kind, tmp_path):
    path, content = tmp_path / 'm.npz', io.BytesIO()
    np.save(content, np.arange(500.0))
    data = content.getvalue()
    if kind == 'header':
        data = data[:10] + b'(' * 100 + data[110:]
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_LZMA if kind == 'lzma' else zipfile.ZIP_STORED) as archive:
        archive.writestr('facts.npy', data)
    if kind == 'lzma':
        raw = bytearray(path.read_bytes())
        raw[60:120] = b'\xff' * 60
        path.write_bytes(raw)
    with pytest.raises(BadFile, match="'facts' cannot be read"):
        Motion.load(path)


def test_facts_in_facts_have_an_end(tmp_path):
    deep: dict = {}
    for _ in range(100):
        deep = dict(list=[deep])
    with pytest.raises(ValueError, match='nested deeper than 64'):
        replace(full(), provenance=deep).save(tmp_path / 'a.npz')
    full().save(tmp_path / 'a.npz')
    facts(tmp_path / 'a.npz', provenance=deep)
    with pytest.raises(BadFile, match='nested deeper than 64'):
        Motion.load(tmp_path / 'a.npz')
