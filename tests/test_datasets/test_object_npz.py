import io
import os
import pickle
import resource
import time
import zipfile

import numpy as np
import pytest

from mmegopose.body_models import read_pickle
from mmegopose.datasets.readers.images.annotations import read_annotation_pickle
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


BOMBS = {
    'lists': b'\x80\x04](K\x01e' + b''.join(b'q%c0](%se' % (i, b'h%c' % i * 10) for i in range(12)) + b'.',
    'tuples': b'\x80\x04K\x01' + b'2\x86' * 40 + b'.',
    'key': b'\x80\x04}K\x01' + b'2\x86' * 40 + b'K\x01s.',
    'set': b'\x80\x04\x8f(K\x01' + b'2\x86' * 40 + b'\x90.',
    'frozenset': b'\x80\x04(K\x01' + b'2\x86' * 40 + b'\x91.',
    'bytearray': b'\x80\x04cbuiltins\nbytearray\nJ\xff\xff\xff\x7f\x85R.',
    'bytearray8': b'\x80\x05\x96' + (1 << 31).to_bytes(8, 'little') + b'a.',
    'bytes8': b'\x80\x04\x8e' + (1 << 62).to_bytes(8, 'little') + b'a.',
    'frame': b'\x80\x04\x95' + (1 << 62).to_bytes(8, 'little') + b'N.',
    'itself': b'\x80\x04]2a.',
    'encoded again and again':
        b'\x80\x04(X' + (1 << 16).to_bytes(4, 'little') + b'a' * (1 << 16) + b'q\x000c_codecs\nencode\nq\x010'
        b'X\x06\x00\x00\x00latin1q\x020' + b'h\x01h\x00h\x02\x86R' * 3000 + b'l.',
    'copied again and again':
        b'\x80\x04(}(' + b''.join(b'M' + i.to_bytes(2, 'little') + b'N' for i in range(30000))
        + b'uq\x000cbuiltins\ndict\nq\x010' + b'h\x01h\x00\x85R' * 5000 + b'l.',
    'attribute': b'\x80\x04c_codecs\nencode\nN}X\x0c\x00\x00\x00__defaults__X\x01\x00\x00\x00x\x85s\x86b.',
    'attribute of a class': b'\x80\x04cnumpy\nndarray\nN}X\x05\x00\x00\x00stateNs\x86b.',
    'items of an array': b'\x80\x04cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\nX\x02\x00\x00\x00i4\x85R'
                         b'C\x04\x00\x00\x00\x00\x86RK\x00K\x01s.',
}


@pytest.mark.parametrize('name', BOMBS)
@pytest.mark.parametrize('reader', ['annotation', 'body model', 'npz'])
def test_small_pickles_that_ask_for_much_are_refused_at_once(tmp_path, name, reader):
    header, path = io.BytesIO(), tmp_path / 'bomb.pkl'
    np.lib.format.write_array_header_1_0(header, dict(descr='|O', fortran_order=False, shape=()))
    path.write_bytes(BOMBS[name])
    with zipfile.ZipFile(tmp_path / 'bomb.npz', 'w') as archive:
        archive.writestr('data.npy', header.getvalue() + BOMBS[name])
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(BadFile, match='bomb'):
        dict(annotation=read_annotation_pickle, npz=lambda path: read_object(path.with_suffix('.npz'), 'data')).get(
            reader, read_pickle)(path)
    assert time.process_time() - start < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # kB


def test_a_file_changes_nothing_for_those_after_it(tmp_path):
    (tmp_path / 'bomb.pkl').write_bytes(BOMBS['attribute'])
    with pytest.raises(BadFile):
        read_pickle(tmp_path / 'bomb.pkl')
    for protocol in range(6):
        (tmp_path / 'good.pkl').write_bytes(pickle.dumps(dict(a=ARRAY, b=b'\xff'), protocol))
        found = read_pickle(tmp_path / 'good.pkl')
        np.testing.assert_array_equal(found['a'], ARRAY)
        assert found['b'] == b'\xff'


def test_shared_objects_stay_shared(tmp_path):
    part = [1.5, ARRAY]
    found = read_object(write_pickle(tmp_path / 'a.npz', dict(a=part, b=part, c=[ARRAY])), 'data')
    assert found['a'] is found['b'] and found['a'][1] is found['c'][0]
    np.testing.assert_array_equal(found['c'][0], ARRAY)
