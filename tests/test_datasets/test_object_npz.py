import io
import os
import pickle
import zipfile

import numpy as np
import pytest

from mmegopose.files import BadFile
from mmegopose.pickles import read_object, write_object

ARRAY = np.arange(24, dtype=np.float32).reshape(2, 4, 3)
CONTENT = {'S1': {'Walk': ARRAY, 'Walk 1': [ARRAY, ARRAY[:1]], 'column': np.asfortranarray(ARRAY[0])},
           'big': ARRAY.astype('>f8'), 'name': 'h36m', 'fps': np.float32(2.5), 'count': np.int64(4), 'none': None,
           'valid': np.array([True, False]), 'objects': np.array([ARRAY, 'x'], object), 'words': np.array(['ab', 'c'])}


def write_pickle(path, value, protocol=4):
    """An npz whose ``data.npy`` is an object array pickled by the given protocol."""
    content, header = np.empty((), object), io.BytesIO()
    content[()] = value
    np.lib.format.write_array_header_1_0(header, dict(descr='|O', fortran_order=False, shape=()))
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('data.npy', header.getvalue() + pickle.dumps(content, protocol))
    return path


@pytest.mark.parametrize('protocol', range(5))
def test_plain_values_come_back(tmp_path, protocol):
    found = read_object(write_pickle(tmp_path / 'a.npz', CONTENT, protocol), 'data')
    assert list(found) == list(CONTENT)
    np.testing.assert_array_equal(found['S1']['Walk'], ARRAY)
    assert found['S1']['Walk'].dtype == np.float32 and found['S1']['Walk 1'][1].shape == (1, 4, 3)
    np.testing.assert_array_equal(found['S1']['column'], ARRAY[0])
    np.testing.assert_array_equal(found['big'], ARRAY)
    assert (found['name'], found['fps'], found['count'], found['none']) == ('h36m', 2.5, 4, None)
    assert found['valid'].tolist() == [True, False] and found['words'].tolist() == ['ab', 'c']
    np.testing.assert_array_equal(found['objects'][0], ARRAY)
    assert found['objects'][1] == 'x'


def test_arrays_without_objects(tmp_path):
    np.savez_compressed(tmp_path / 'a.npz', rows=ARRAY, columns=np.asfortranarray(ARRAY[0]))
    np.testing.assert_array_equal(read_object(tmp_path / 'a.npz', 'rows'), ARRAY)
    np.testing.assert_array_equal(read_object(tmp_path / 'a.npz', 'columns'), ARRAY[0])


def test_what_is_written_item_by_item_reads_as_a_dict(tmp_path):
    path = tmp_path / 'folder' / 'a.npz'
    write_object(path, 'data', ((f'k{i}', [{'0': ARRAY + i}, 25]) for i in range(1100)))
    official = np.load(path, allow_pickle=True)['data'].item()
    found = read_object(path, 'data')
    assert type(official) is dict and list(official) == list(found) == [f'k{i}' for i in range(1100)]
    for content in (official, found):
        np.testing.assert_array_equal(content['k1099'][0]['0'], ARRAY + 1099)


def test_an_item_that_cannot_be_made_leaves_no_file(tmp_path):
    def items():
        yield 'a', 1
        raise BadFile('broken')

    with pytest.raises(BadFile, match='broken'):
        write_object(tmp_path / 'a.npz', 'data', items())
    assert not list(tmp_path.iterdir())


class Runs:
    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize('make, what', [
    (lambda marker: Runs(os.system, f'touch {marker}'), 'posix.system'),
    (lambda marker: Runs(eval, f"open('{marker}', 'w')"), 'builtins.eval'),
    (lambda marker: {'S1': [Runs(os.mkdir, marker)]}, 'posix.mkdir'),
    (lambda marker: Runs(np.save, marker, 1), 'numpy.save')])
def test_code_is_not_run(tmp_path, make, what):
    path = write_pickle(tmp_path / 'a.npz', make(str(tmp_path / 'marker')))
    with pytest.raises(BadFile, match=rf"a.npz: 'data' asks for {what}, where only plain values and arrays should "
                                      'be; nothing of it was run. Get the file from its original source'):
        read_object(path, 'data')
    assert not (tmp_path / 'marker').exists()


@pytest.mark.parametrize('value, message', [
    (np.zeros(2, [('x', 'O')]), 'asks for an array of '),
    (np.zeros(2, 'V8'), r'asks for an array of \|V8, where only plain'),
    (np.full((2, 3), None), r'asks for a table of objects \(2, 3\)')])
def test_strange_arrays_are_refused(tmp_path, value, message):
    with pytest.raises(BadFile, match=message):
        read_object(write_pickle(tmp_path / 'a.npz', value), 'data')


class Forged:
    """Pickled as an array of objects whose addresses are in the file."""

    def __reduce__(self):
        rebuild, start, _ = np.zeros(1, object).__reduce__()
        return rebuild, start, (1, (1,), np.dtype('O'), False, b'\x10' * 8)


def test_addresses_in_the_file_are_not_followed(tmp_path):
    try:
        found = read_object(write_pickle(tmp_path / 'a.npz', {'x': Forged()}), 'data')
    except BadFile:
        return
    assert found['x'] == [16] * 8


def test_files_that_cannot_be_read(tmp_path):
    path = write_pickle(tmp_path / 'a.npz', CONTENT)
    with pytest.raises(BadFile, match=r"a.npz has no 'positions_3d', only \['data'\]: is it the right file"):
        read_object(path, 'positions_3d')
    content = path.read_bytes()
    for cut in (content[:len(content) // 2], b'no zip at all', b'', content[:900] + bytes(200) + content[1100:]):
        path.write_bytes(cut)
        with pytest.raises(BadFile, match=r'a.npz cannot be read .*cut off or no npz; copy or download it again'):
            read_object(path, 'data')
    with pytest.raises(FileNotFoundError):
        read_object(tmp_path / 'none.npz', 'data')
