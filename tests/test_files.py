"""Places of files: what no file may replace."""
import os

import pytest

from mmegopose.files import atomic_write, require_writable


def test_a_device_or_folder_is_never_replaced(tmp_path):
    os.mkfifo(tmp_path / 'pipe')
    (tmp_path / 'link.csv').symlink_to('pipe')
    (tmp_path / 'folder').mkdir()
    for name in ('link.csv', 'folder'):
        with pytest.raises(OSError, match='a folder or a device, which no file replaces'), \
                atomic_write(tmp_path / name):
            pass
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
