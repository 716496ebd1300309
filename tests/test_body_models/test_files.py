import os
import pickle
import sys
import types
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse
from helpers.body_fixtures import mano_arrays, smpl_arrays

from mmegopose.body_models import SkinnedModel, read_body_model, read_pickle
from mmegopose.files import BadFile


@pytest.fixture
def chumpy(monkeypatch):
    """A package that pickles as chumpy does, gone before the file is read."""
    modules = {name: types.ModuleType(name) for name in ('chumpy', 'chumpy.ch', 'chumpy.reordering')}
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    ch = modules['chumpy.ch'].Ch = type('Ch', (types.SimpleNamespace,), dict(__module__='chumpy.ch'))
    select = modules['chumpy.reordering'].Select = type('Select', (ch,), dict(__module__='chumpy.reordering'))
    yield ch, select
    assert 'chumpy' not in sys.modules


def write_pickle(path, content, protocol):
    data = pickle.dumps(content, protocol)
    if protocol < 3:  # as the scipy of Python 2 wrote it
        data = data.replace(b'scipy.sparse._csc', b'scipy.sparse.csc')
    path.write_bytes(data)
    return path


def official_pickle(path, arrays, chumpy, protocol):
    """MANO as its authors pickled it: chumpy nodes, a sparse regressor, arrays and strings."""
    ch, select = chumpy
    directions = np.concatenate([arrays['shapedirs'], np.full((778, 3, 2), 7.)], -1)
    picked = np.arange(directions.size).reshape(directions.shape)[..., :10].ravel()
    write_pickle(path, arrays | dict(
        v_template=ch(x=arrays['v_template'], _dirty_vars=set(), _status='new'),
        shapedirs=select(a=ch(x=directions), idxs=picked, preferred_shape=arrays['shapedirs'].shape),
        J_regressor=scipy.sparse.csc_matrix(arrays['J_regressor']), bs_style='lbs', hands_mean=arrays['hands_mean']),
        protocol)
    for name in ('chumpy', 'chumpy.ch', 'chumpy.reordering'):
        del sys.modules[name]
    return path


def assert_same(body, arrays):
    for name, value in arrays.items():
        if hasattr(body, name):
            np.testing.assert_allclose(getattr(body, name), value, rtol=1e-12, err_msg=name)


@pytest.mark.parametrize('protocol', range(6))
def test_an_official_pickle_needs_no_chumpy(chumpy, tmp_path, protocol):
    arrays, _ = mano_arrays()
    path = official_pickle(tmp_path / 'MANO_RIGHT.pkl', arrays, chumpy, protocol)
    body = read_body_model(path)
    assert_same(body, arrays)
    assert body.parents.tolist() == [-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 0, 10, 11, 0, 13, 14]
    assert SkinnedModel(path, joint_order='openpose').num_keypoints == 21


@pytest.mark.parametrize('num_joints', [24, 52])
def test_npz_and_pickle_agree(tmp_path, num_joints):
    arrays = smpl_arrays(num_joints)
    np.savez(tmp_path / 'model.npz', **arrays, bs_type=np.array({'text': 'an object that nobody reads'}))
    for path in (tmp_path / 'model.npz', write_pickle(tmp_path / 'model.pkl', arrays, 2)):
        body = read_body_model(path)
        assert_same(body, arrays | dict(kintree_table=arrays['kintree_table']))
        assert body.parents[:4].tolist() == [-1, 0, 0, 1]


class Shell:
    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize('protocol', [0, 2, 4])
@pytest.mark.parametrize('function', [os.system, eval, getattr, pickle.loads, np.load, np.save])
def test_malicious_pickles_are_blocked(tmp_path, function, protocol):
    arrays, _ = mano_arrays()
    victim = tmp_path / 'victim'
    path = write_pickle(tmp_path / 'evil.pkl', arrays | dict(f=Shell(function, f'touch {victim}')), protocol)
    module = {'posix': 'posix', 'nt': 'nt'}.get(function.__module__, '')
    with pytest.raises(BadFile, match=rf'evil\.pkl asks for {module}.*{function.__name__}.*nothing in it was run'):
        read_body_model(path)
    assert not victim.exists()


@pytest.mark.parametrize('content', [
    b"cposix\nsystem\n(S'true'\ntR.",                                       # by name
    b'\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93.',                    # an attribute of an allowed class
    b"c__builtin__\nset\n(S'a'\ntRcbuiltins\nexec\n(S'1'\ntR.",
    b'ccopy_reg\n_reconstructor\n(c__builtin__\nset\nc__builtin__\nobject\nNtR.',
    b"c_codecs\nencode\n(S'a'\nS'rot13'\ntR."])
def test_handwritten_pickles_are_refused(tmp_path, content):
    (tmp_path / 'evil.pkl').write_bytes(content)
    with pytest.raises(BadFile, match='evil.pkl'):
        read_pickle(tmp_path / 'evil.pkl')


def test_a_sparse_matrix_with_wild_indices_is_refused(tmp_path):
    matrix = scipy.sparse.csc_matrix(np.eye(3))
    matrix.indices[0] = 1000
    with pytest.raises(BadFile, match='IndexError'):
        read_pickle(write_pickle(tmp_path / 'wild.pkl', matrix, 2))


def test_truncated_files(tmp_path):
    arrays, _ = mano_arrays()
    np.savez(tmp_path / 'whole.npz', **arrays)
    write_pickle(tmp_path / 'whole.pkl', arrays, 2)
    for name in ('whole.npz', 'whole.pkl'):
        data = (tmp_path / name).read_bytes()
        for size in (0, 3, 40, len(data) // 2, len(data) - 1):
            (tmp_path / f'cut_{name}').write_bytes(data[:size])
            with pytest.raises(BadFile, match=f'cut_{name}.*cut off'):
                read_body_model(tmp_path / f'cut_{name}')


def test_damaged_npz(tmp_path):
    np.savez_compressed(tmp_path / 'model.npz', **mano_arrays()[0])
    data = bytearray((tmp_path / 'model.npz').read_bytes())
    data[len(data) // 2:len(data) // 2 + 100] = bytes(100)
    (tmp_path / 'model.npz').write_bytes(data)
    with pytest.raises(BadFile, match='model.npz.*damaged'):
        read_body_model(tmp_path / 'model.npz')


def test_one_message_lists_everything_wrong(tmp_path):
    arrays, _ = mano_arrays()
    del arrays['weights']
    arrays.update(posedirs=arrays['posedirs'][..., :100], f=arrays['f'][:, :2], kintree_table=np.full((2, 16), 'a'))
    np.savez(tmp_path / 'odd.npz', **arrays)
    with pytest.raises(BadFile) as error:
        read_body_model(tmp_path / 'odd.npz')
    assert str(error.value) == (
        f'{tmp_path}/odd.npz is no body model of the SMPL family: weights is missing; '
        'kintree_table holds <U1 and should hold numbers; f has shape (1538, 2) and should have (any, 3); '
        'posedirs has shape (778, 3, 100) and should have (778, 3, 135)')


def test_not_a_body_model(tmp_path):
    arrays, _ = mano_arrays()
    arrays['kintree_table'] = arrays['kintree_table'].copy()
    arrays['kintree_table'][0, 3] = 9
    np.savez(tmp_path / 'loop.npz', **arrays)
    with pytest.raises(BadFile, match='parents .*9.* should precede their children'):
        read_body_model(tmp_path / 'loop.npz')
    np.savez(tmp_path / 'other.npz', weights=np.zeros(3))
    with pytest.raises(BadFile, match=r'v_template is missing; .*weights has shape \(3,\) and should have \(\?, \?\)'):
        read_body_model(tmp_path / 'other.npz')
    np.save(tmp_path / 'one.npy', np.zeros(3))
    with pytest.raises(BadFile, match='one.npy should hold named arrays, got ndarray'):
        read_body_model(tmp_path / 'one.npy')
    np.savez(tmp_path / 'objects.npz', v_template=np.array([None]))
    with pytest.raises(BadFile, match='objects.npz.*object.*could bring code with it'):
        read_body_model(tmp_path / 'objects.npz')
    with pytest.raises(FileNotFoundError, match=r"'open_foot' is neither a file nor one of \['open_body'"):
        read_body_model('open_foot')


def test_joint_regressor_files(tmp_path):
    matrix = np.eye(3, 1609)
    path = write_pickle(tmp_path / 'J3.pkl', scipy.sparse.csc_matrix(matrix), 2)
    assert SkinnedModel('open_hand', joint_regressor=path).num_keypoints == 19
    np.save(tmp_path / 'J3.npy', matrix[:, :778])
    with pytest.raises(BadFile, match=r'J3.npy should hold one array of shape \(any, 1609\), got .* \(3, 778\)'):
        SkinnedModel('open_hand', joint_regressor=tmp_path / 'J3.npy')


class Forged:
    """Pickled as an array of objects whose addresses are in the file."""

    def __reduce__(self):
        rebuild, start, _ = np.zeros(1, object).__reduce__()
        return rebuild, start, (1, (1,), np.dtype('O'), False, b'\x10' * 8)


def test_addresses_in_the_file_are_not_followed(tmp_path):
    path = write_pickle(tmp_path / 'forged.pkl', dict(f=Forged()), 4)
    assert read_pickle(path)['f'] == [16] * 8


@pytest.mark.parametrize('bad', [np.nan, np.inf, 1e30])
def test_numbers_that_no_body_has_are_refused(bad):
    model = read_body_model('open_body')
    vertices = model.v_template.copy()
    vertices[3] = bad
    with pytest.raises(BadFile, match='v_template holds .* and should be finite, at most 10'):
        replace(model, v_template=vertices)
