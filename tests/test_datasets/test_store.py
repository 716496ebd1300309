"""The store of sequences, its schema, and the cache that makes damaged stores anew."""
import errno
import json
import multiprocessing
import os
import re
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from mmegopose.datasets import Field, SequenceStore
from mmegopose.datasets import cache as cache_module
from mmegopose.datasets.cache import cached_store
from mmegopose.files import BadFile

SCHEMA = dict(pose=Field('float32', ('J', 3), 'metres'), label=Field('int32'), joints=Field('float64', ('J', 2)),
              name=Field('str'))


def part(uid, frames, labels):
    label = np.full(frames, -1)
    label[:labels] = np.arange(labels)
    return (dict(uid=uid, name=uid), dict(pose=np.full((frames, 4, 3), frames, np.float32), label=label,
                                          name=np.array([f'{uid}/{i}' for i in range(frames)])),
            dict(joints=np.arange(labels * 8, dtype=float).reshape(labels, 4, 2)))


def make(**options):
    return SequenceStore.join([part('a', 5, 2), part('long', 3, 0), part('c', 4, 3)], links=dict(label='joints'),
                              info=dict(dataset_name='toy', split='val', fps=30.0), schema=SCHEMA,
                              report=dict(skipped=1), **options)


def test_join_puts_sequences_end_to_end_and_links_their_labels():
    store = make()
    assert len(store) == 3 and store.num_rows == 12 and store.offsets.tolist() == [0, 5, 8, 12]
    assert store.frames['label'].tolist() == [0, 1, -1, -1, -1, -1, -1, -1, 2, 3, 4, -1]
    assert store.tables['joints'].shape == (5, 4, 2) and store.title == 'toy val'
    assert store.sequence_of(np.array([0, 4, 5, 11])).tolist() == [0, 0, 1, 2]
    assert store.frame_ids(np.array([6, 9]), np.array([1, 2])).tolist() == [1, 1]
    more = store.extended(dict(target=np.ones(12, bool)), dict(protocol='mine'))
    assert 'target' in more.frames and 'target' not in store.frames and 'protocol' not in store.info
    assert more.frames['pose'] is store.frames['pose'] and more.info['fps'] == 30


def test_a_saved_store_comes_back_memory_mapped(tmp_path):
    store = make()
    store.save(tmp_path / 'store')
    again = SequenceStore.load(tmp_path / 'store')
    assert (again.sequences, again.info, again.report, again.schema) == (
        store.sequences, store.info, store.report, store.schema)
    for name, array in (store.frames | store.tables).items():
        found = again.frames.get(name, again.tables.get(name))
        assert isinstance(found, np.memmap) and found.dtype == array.dtype
        np.testing.assert_array_equal(found, array)
    files = json.loads((tmp_path / 'store/store.json').read_text())['files']
    assert files['frames.pose.npy']['size'] == (tmp_path / 'store/frames.pose.npy').stat().st_size
    assert not [path for path in tmp_path.iterdir() if path.name != 'store']


@pytest.mark.parametrize('change, message', [
    (dict(pose=np.zeros((12, 4, 3))), "toy val: 'pose' should be float32, is float64"),
    (dict(pose=np.zeros((12, 5, 3), np.float32)), "'joints' should have rows of shape .* with {'J': 5}, has .4, 2."),
    (dict(pose=np.zeros((12, 12), np.float32)), "'pose' should have rows of shape"),
    (dict(name=np.zeros(12)), "'name' should be str"), (dict(more=np.zeros(11)), "'more' has 11 rows, .* 12 frames")])
def test_arrays_that_are_not_as_declared_are_told(change, message):
    with pytest.raises(ValueError, match=message):
        make().extended(change)


def test_sequences_and_offsets_belong_together():
    with pytest.raises(ValueError, match='2 sequences need 3 ascending offsets, got .0, 5'):
        SequenceStore([0, 5], dict(x=np.zeros(5)), [dict(uid='a'), dict(uid='b')])


@pytest.fixture
def cached(tmp_path):
    """``cached(**options)``: the store from the cache in ``tmp_path``, and how often it was made."""
    source, made = tmp_path / 'source.txt', []
    source.write_text('a')

    def get(**options):
        store = cached_store('toy', [source], options, lambda: made.append(1) or make(), tmp_path / 'cache')
        return store, len(made)
    get.source, get.folder = source, tmp_path / 'cache'
    return get


def test_the_cache_follows_sources_and_options(cached):
    assert cached()[1] == 1 and cached()[1] == 1
    assert cached(split='val')[1] == 2 and cached()[1] == 2
    cached.source.write_text('longer')
    assert cached()[1] == 3
    assert len(list(cached.folder.iterdir())) == 2  # the one that the new store takes the place of is gone


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize('name, damage', [
    ('frames.pose.npy', cut), ('frames.pose.npy', flip_a_bit), ('tables.joints.npy', flip_a_bit),
    ('offsets.npy', flip_a_bit), ('frames.label.npy', lambda path: path.unlink()), ('store.json', cut),
    ('store.json', lambda path: path.unlink()), ('store.json', lambda path: path.write_text('[]')),
    ('store.json', lambda path: path.write_text(path.read_text().replace('"fps": 30.0', '"fps": 20.0'))),
    ('store.json', lambda path: path.write_text(re.sub(r'"tables.joints.npy": {.*?}, ', '', path.read_text()))),
    ('store.json', lambda path: path.write_text(re.sub(r', "crc32": \d+}$', '}', path.read_text()))),
    ('', lambda folder: (shutil.rmtree(folder), folder.write_text('a file'))),
    ('', lambda folder: (shutil.rmtree(folder), folder.symlink_to('nowhere')))])
def test_a_damaged_store_is_made_anew_with_a_warning(cached, monkeypatch, name, damage):
    cached()
    folder, = cached.folder.iterdir()
    damage(folder / name)
    with pytest.raises(BadFile, match=f'{folder}'):
        SequenceStore.load(folder)
    warnings = []
    monkeypatch.setattr(cache_module.MMLogger, 'get_current_instance',
                        lambda: SimpleNamespace(warning=warnings.append))
    store, made = cached()
    assert made == 2 and len(warnings) == 1 and str(folder) in warnings[0]
    for key, array in make().frames.items():
        np.testing.assert_array_equal(store.frames[key], array)
    assert cached()[1] == 2 and len(warnings) == 1 and list(cached.folder.iterdir()) == [folder]


def _build_at_the_same_time(barrier, source, cache, queue):
    def build():
        barrier.wait(30)
        return make()
    queue.put(cached_store('toy', [source], {}, build, cache).num_rows)


@pytest.mark.parametrize('damaged', [False, True])
def test_processes_that_build_at_the_same_time_agree(cached, damaged):
    if damaged:
        cached()
        flip_a_bit(next(cached.folder.iterdir()) / 'frames.pose.npy')
    context = multiprocessing.get_context('fork')
    barrier, queue = context.Barrier(3), context.Queue()
    processes = [context.Process(target=_build_at_the_same_time, args=(barrier, cached.source, cached.folder, queue))
                 for _ in range(3)]
    for process in processes:
        process.start()
    assert [queue.get(timeout=60) for _ in processes] == [12] * 3
    for process in processes:
        process.join()
    assert len(list(cached.folder.iterdir())) == 1 and cached()[0].num_rows == 12


def test_what_killed_runs_left_is_swept_and_nothing_else(cached):
    cached()
    folder, = cached.folder.iterdir()
    old = [cached.folder / name for name in (f'{folder.name}.abcdefgh', f'{folder.name}.damaged.abcd_fgh')]
    young, others = cached.folder / f'{folder.name}.ijklmnop', [cached.folder / 'my-own-files.v1', folder]
    for path in (*old, young, others[0]):
        path.mkdir()
        (path / 'frames.pose.npy').write_bytes(b'half')
        if path != young:
            os.utime(path / 'frames.pose.npy', (1, 1))
            os.utime(path, (1, 1))
    assert cached()[1] == 1
    assert sorted(cached.folder.iterdir()) == sorted([young, *others])


@pytest.mark.parametrize('number', [errno.ENOSPC, None])  # None: what numpy raises after a short write
def test_a_full_disk_names_the_place_and_the_setting(cached, monkeypatch, number):
    def full(*_, **__):
        raise OSError(number, 'No space left on device') if number else OSError('65536 requested and 0 written')
    monkeypatch.setattr(np, 'save', full)
    with pytest.raises(OSError, match=rf'{cached.folder}/toy.*MMEGOPOSE_CACHE') as caught:
        cached()
    assert caught.value.errno == (number or errno.EIO) and not list(cached.folder.iterdir())


def test_a_file_in_the_place_of_the_cache_is_told(cached):
    cached.folder.write_text('')
    with pytest.raises(OSError, match='MMEGOPOSE_CACHE'):
        cached()


def test_a_failed_build_leaves_nothing(cached):
    def fail():
        raise ValueError('no usable file')
    with pytest.raises(ValueError, match='no usable file'):
        cached_store('toy', [cached.source], {}, fail, cached.folder)
    assert not cached.folder.exists() or not list(cached.folder.iterdir())
