"""Places of files: what no file may replace."""
import io
import json
import os
import zipfile

import numpy as np
import pytest

from mmegopose.body_models.body_arrays import read_regressor
from mmegopose.datasets.readers.images.annotations import read_annotation_pickle
from mmegopose.evaluation.submissions.hand_file import read_hand_submission
from mmegopose.files import (
    BadFile,
    atomic_path,
    atomic_write,
    json_entries,
    read_json,
    require_writable,
    require_writable_file,
)
from mmegopose.npz import array_names, read_array, read_arrays
from mmegopose.pickles import read_object


def test_a_device_or_folder_is_never_replaced(tmp_path):
    os.mkfifo(tmp_path / 'pipe')
    (tmp_path / 'link.csv').symlink_to('pipe')
    (tmp_path / 'folder').mkdir()
    for name in ('link.csv', 'folder'):
        with pytest.raises(OSError, match='a folder or a device, which no file replaces'), \
                atomic_write(tmp_path / name):
            pass
        with pytest.raises(ValueError, match=f'{name} is a folder or a device, which no file replaces: name another'):
            require_writable_file(tmp_path / name)  # said before the work
    require_writable_file(tmp_path / 'new' / 'file')
    assert (tmp_path / 'pipe').is_fifo() and len(list(tmp_path.iterdir())) == 3


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(ValueError, match='cannot be made, because .*file is no folder: name another place'):
        require_writable(tmp_path / 'file' / 'more' / 'a.csv')
    require_writable(tmp_path / 'file')
    require_writable(tmp_path / 'new' / 'a.csv')


def test_only_a_checkpoint_tells_of_checkpoints(tmp_path):
    for name, told in (('a.pth', 'the previous checkpoint'), ('a.csv', 'what was there before is intact')):
        with pytest.raises(OSError, match=told), atomic_write(tmp_path / name):
            raise OSError(28, 'No space left on device')


def test_a_link_to_a_file_to_come_can_be_written(tmp_path):
    (tmp_path / 'link').symlink_to(tmp_path / 'new' / 'file')
    require_writable(tmp_path / 'link')
    with atomic_write(tmp_path / 'link') as file:
        file.write('x')
    assert (tmp_path / 'link').is_symlink() and (tmp_path / 'new' / 'file').read_text() == 'x'


@pytest.mark.parametrize('write', [atomic_write, atomic_path])
def test_nothing_is_written_through_a_planted_link(tmp_path, monkeypatch, write):
    victim = tmp_path / 'victim'
    victim.write_text('kept')
    (tmp_path / f'.a.{os.getpid()}.tmp.csv').symlink_to(victim)
    names = []
    for _ in range(2):
        with write(tmp_path / 'a.csv'):
            names += [path.name for path in tmp_path.glob('.a.*') if not path.is_symlink()]
    assert len(set(names)) == 2 and victim.read_text() == 'kept'
    assert (tmp_path / 'a.csv').stat().st_mode & 0o777 == victim.stat().st_mode & 0o777  # that of other new files
    monkeypatch.setattr('secrets.token_hex', lambda size: 'foreseen')
    (tmp_path / '.a.foreseen.tmp.csv').symlink_to(victim)
    with pytest.raises(OSError, match='it was not written'), write(tmp_path / 'a.csv'):
        pass
    assert victim.read_text() == 'kept'


READERS = dict(json=read_json, npy=read_array, npz=read_arrays, names=array_names, pickle=read_annotation_pickle,
               object=lambda path: read_object(path, 'a'), body=lambda path: read_regressor(path, 5))


@pytest.mark.parametrize('name', READERS)
@pytest.mark.parametrize('content, told', [
    (b'version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9\n', 'is the pointer of git-lfs.*git lfs pull'),
    (b'<!DOCTYPE html>\n<html><body>404', 'is an HTML page.*download it again')])
def test_what_stands_in_the_place_of_a_file_is_named(tmp_path, name, content, told):
    (tmp_path / 'file').write_bytes(content)
    with pytest.raises(BadFile, match=rf'file.* {told}') as error:
        READERS[name](tmp_path / 'file')
    assert 'allow_pickle' not in str(error.value)


def test_no_message_advises_to_load_without_protection(tmp_path):
    np.savez(tmp_path / 'a.npz', a=np.array([print], object))
    np.save(tmp_path / 'a.npy', np.array([print], object))
    (tmp_path / 'b.npy').write_bytes(b'\x80\x04N.')
    for read, name in ((read_arrays, 'a.npz'), (read_array, 'a.npy'), (read_array, 'b.npy'),
                       (lambda path: read_regressor(path, 5), 'a.npy')):
        with pytest.raises(BadFile, match=name) as error:
            read(tmp_path / name)
        assert 'allow_pickle' not in str(error.value) and 'unsafe' not in str(error.value)


def claiming(shape: str) -> bytes:
    """An npy of 24 bytes whose header claims another shape."""
    content = io.BytesIO()
    np.save(content, np.zeros(3))
    return content.getvalue().replace(b"(3,), }         ", f"{shape}, }}         ".encode()[:16].ljust(16))


@pytest.mark.parametrize('shape', ['(10**9,)', '(999999999999,)', '(-3,)', '(9999999,9999999)', '(3, 1 << 80)'])
def test_headers_that_claim_more_than_the_file_holds_are_refused(tmp_path, shape):
    (tmp_path / 'a.npy').write_bytes(claiming(shape))
    with zipfile.ZipFile(tmp_path / 'a.npz', 'w') as archive:
        archive.writestr('a.npy', claiming(shape))
    for read, name in ((read_array, 'a.npy'), (read_arrays, 'a.npz'), (lambda path: read_object(path, 'a'), 'a.npz'),
                       (READERS['body'], 'a.npy'), (READERS['body'], 'a.npz')):
        with pytest.raises(BadFile, match=name):
            read(tmp_path / name)


def test_json_beyond_the_bound_is_refused_unread(tmp_path, monkeypatch):
    (tmp_path / 'a.json').write_text(json.dumps([0] * 100))
    assert read_json(tmp_path / 'a.json', list) == [0] * 100
    with pytest.raises(BadFile, match='a.json .* is larger than .* read of a JSON file'):
        read_json(tmp_path / 'a.json', list, max_bytes=100)
    with open(tmp_path / 'b.json', 'w') as file:
        file.truncate(3 << 30)  # takes no room on the disk
    with pytest.raises(BadFile, match=r'b.json \(3.22 GB\) is larger than the 2.15 GB'):
        read_json(tmp_path / 'b.json')
    with zipfile.ZipFile(tmp_path / 'a.zip', 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('pred.json', json.dumps([0] * 100))
    assert read_hand_submission(tmp_path / 'a.zip') == [0] * 100
    monkeypatch.setattr('mmegopose.evaluation.submissions.hand_file.MAX_JSON', 100)
    with pytest.raises(BadFile, match='a.zip: pred.json would fill'):
        read_hand_submission(tmp_path / 'a.zip')

    def full(*_, **__):
        raise MemoryError
    monkeypatch.setattr('json.loads', full)
    with pytest.raises(BadFile, match='a.json needs more memory than there is'):
        read_json(tmp_path / 'a.json', list)


def test_entries_of_a_large_object_come_one_after_the_other(tmp_path):
    content = {'a "quoted, {key}': {'x': [1.5, None]}, 'large': {'y': ['ö' * 1000] * 3000}, 'empty': {}, 'nan': [1, 2]}
    for text in (json.dumps(content), json.dumps(content, indent=2, ensure_ascii=False), '{}', ' { } '):
        (tmp_path / 'a.json').write_text(text, encoding='utf-8')
        assert list(json_entries(tmp_path / 'a.json')) == list(json.loads(text).items())
    (tmp_path / 'a.json').write_text('{"a": NaN, "a": 2}')
    assert [key for key, _ in json_entries(tmp_path / 'a.json')] == ['a', 'a']


@pytest.mark.parametrize('text', [
    '', '[1]', '{"a": 1', '{"a": {"b": [1, 2', '{"a": 1} {', '{"a" 1}', '{1: 2}', '{"a": 1,, "b"', '<html>'])
def test_what_is_no_object_is_told(tmp_path, text):
    (tmp_path / 'a.json').write_text(text)
    with pytest.raises(BadFile, match=r'a\.json is .*(no JSON object|HTML)'):
        list(json_entries(tmp_path / 'a.json'))


def test_an_entry_is_bounded(tmp_path):
    (tmp_path / 'a.json').write_text(json.dumps(dict(a=list(range(500_000)))))
    with pytest.raises(BadFile, match='an entry of more than'):
        list(json_entries(tmp_path / 'a.json', max_bytes=1000))


def test_text_in_utf_16_says_how_to_save_it(tmp_path):
    (tmp_path / 'a.json').write_text('{"a": 1}', encoding='utf-16')
    with pytest.raises(BadFile, match='a.json is text in UTF-16, .*: save it as UTF-8'):
        read_json(tmp_path / 'a.json')
    (tmp_path / 'a.json').write_text('{"a": 1}', encoding='utf-8-sig')
    assert read_json(tmp_path / 'a.json') == dict(a=1)
