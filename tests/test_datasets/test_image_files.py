"""Pictures whose headers claim what no memory holds, and others that a decoder refuses."""
import struct
import zlib

import cv2
import numpy as np
import pytest

from mmegopose.datasets import image_files
from mmegopose.datasets.image_files import decode_picture
from mmegopose.datasets.transforms.decode_crop import DecodeCrop
from mmegopose.inference.inputs.picture_files import PictureFiles

IMAGE = np.full((30, 40, 3), 100, np.uint8)


def encoded(suffix: str, width: int = 40, height: int = 30) -> bytes:
    """A small picture whose header claims another size."""
    content = bytearray(cv2.imencode(suffix, IMAGE)[1].tobytes())
    if suffix == '.png':
        content[16:24] = struct.pack('>II', width, height)
        content[29:33] = struct.pack('>I', zlib.crc32(content[12:29]))
    elif suffix == '.jpg':
        place = content.index(b'\xff\xc0')
        content[place + 5:place + 9] = struct.pack('>HH', height, width)
    elif suffix == '.bmp':
        content[18:26] = struct.pack('<ii', width, height)
    else:  # .ppm, whose header is not looked at
        content = bytearray(content.replace(b'40 30', f'{width} {height}'.encode()))
    return bytes(content)


BOMBS = [('.png', 100_000, 100_000), ('.png', 20_000, 20_000), ('.jpg', 65_535, 65_535), ('.jpg', 20_000, 20_000),
         ('.bmp', 100_000, 100_000), ('.bmp', 20_000, -20_000), ('.ppm', 100_000, 100_000)]


@pytest.mark.parametrize('suffix', ['.png', '.jpg', '.bmp', '.ppm'])
def test_sizes_of_headers_are_read(suffix):
    assert decode_picture(encoded(suffix)).shape == IMAGE.shape
    assert image_files._claimed_size(encoded(suffix)) == ((40, 30) if suffix != '.ppm' else (0, 0))


@pytest.mark.parametrize('suffix, width, height', BOMBS)
def test_bombs_are_refused_before_they_are_decoded(suffix, width, height, monkeypatch):
    if suffix != '.ppm':
        monkeypatch.setattr(image_files.mmcv, 'imfrombytes', None)  # it is not called
    with pytest.raises(OSError, match='too large|it claims'):
        decode_picture(encoded(suffix, width, height))


def test_headers_that_are_cut_off_are_damaged_pictures():
    for suffix in ('.png', '.jpg', '.bmp'):
        for length in (1, 2, 3, 9, 17, 20, 25):
            with pytest.raises(OSError, match='no picture, or damaged|it claims'):
                decode_picture(encoded(suffix)[:length])


def test_an_input_picture_that_is_a_bomb_keeps_its_place(tmp_path):
    for number, content in enumerate((encoded('.png'), encoded(*BOMBS[-1]), encoded(*BOMBS[0]))):
        (tmp_path / f'{number}.png').write_bytes(content)
    source = PictureFiles(sorted(tmp_path.iterdir()))
    assert [shot.image is None for shot in source] == [False, True, True]
    assert source.report == {'read': 1, 'cannot be read': 2}


def test_what_opencv_cannot_cut_out_is_skipped_and_counted(monkeypatch):
    def refuse(*_, **__):
        raise cv2.error('assertion\nfailed')
    monkeypatch.setattr('mmegopose.datasets.transforms.decode_crop.crop_image', refuse)
    crop, messages = DecodeCrop(), []
    monkeypatch.setattr('mmegopose.datasets.transforms.decode_crop.MMLogger.get_current_instance',
                        lambda: type('Logger', (), dict(warning=messages.append)))

    class Store:
        frames, info, pictures = dict(file=np.array(['a.png'])), dict(root='/data'), {'a.png': IMAGE}
    zeros = np.zeros((1, 1))
    patches, _, _, read = crop._cut(Store, zeros.astype(int), zeros == 0, np.zeros((1, 1, 2)), zeros, zeros, zeros)
    assert not read.any() and not patches.any() and crop.skipped == {'crop cannot be cut out': 1}
    assert messages == ['/data/a.png is skipped: assertion failed']
