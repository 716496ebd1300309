"""Pictures whose headers claim what no memory holds, and others that a decoder refuses."""
import struct
import zlib

import cv2
import numpy as np
import pytest

from mmegopose.datasets import image_files
from mmegopose.datasets.image_files import decode_picture
from mmegopose.datasets.picture_sizes import claimed_size
from mmegopose.datasets.transforms.decode_crop import DecodeCrop
from mmegopose.inference.inputs.picture_files import PictureFiles

IMAGE = np.full((30, 40, 3), 100, np.uint8)
GREY, GREYS = IMAGE[..., 0], ('.pgm', '.pbm')  # the only ones that are written grey


def encoded(suffix: str, width: int = 40, height: int = 30, image=IMAGE) -> bytes:
    """A small picture whose header claims another size."""
    options = [cv2.IMWRITE_WEBP_QUALITY, 90] if suffix == '.webp' else []
    content = bytearray(cv2.imencode(suffix, image, options)[1].tobytes())
    if suffix == '.png':
        content[16:24] = struct.pack('>II', width, height)
        content[29:33] = struct.pack('>I', zlib.crc32(content[12:29]))
    elif suffix == '.jpg':
        place = content.index(b'\xff\xc0')
        content[place + 5:place + 9] = struct.pack('>HH', height, width)
    elif suffix == '.bmp':
        content[18:26] = struct.pack('<ii', width, height)
    elif suffix == '.webp':  # whose frames have 14 bits for a side, and only what holds them has more
        assert content[12:16] == b'VP8 '
        if max(width, height) > 40:
            sides = (width - 1).to_bytes(3, 'little') + (height - 1).to_bytes(3, 'little')
            content[12:12] = b'VP8X' + struct.pack('<II', 10, 0) + sides
            content[4:8] = struct.pack('<I', len(content) - 8)
    elif suffix == '.tif':
        for tag, side in ((256, width), (257, height)):
            place = content.rindex(struct.pack('<HHI', tag, 3, 1))
            content[place:place + 12] = struct.pack('<HHII', tag, 4, 1, side)
    else:  # .ppm, .pgm, .pbm
        content = bytearray(content.replace(b'40 30', f'{width} {height}'.encode()))
    return bytes(content)


def tiff(*entries: tuple[int, int]) -> bytes:
    """Ends of a TIFF that has these tags and values, and no pixels."""
    return b'MM\0*\0\0\0\x08' + struct.pack('>H', len(entries)) + b''.join(
        struct.pack('>HHII', tag, 4, 1, value) for tag, value in entries) + bytes(4)


SUFFIXES = ['.png', '.jpg', '.bmp', '.webp', '.tif', '.ppm', '.pgm', '.pbm']
JPEG, PPM = encoded('.jpg', 20_000, 20_000), encoded('.ppm', 20_000, 20_000)
BOMBS = {
    **{f'{suffix} {width} x {height}': encoded(suffix, width, height, GREY if suffix in GREYS else IMAGE)
       for suffix in SUFFIXES for width, height in ((20_000, 20_000), (60_000, 50_000))},
    'upside down': encoded('.bmp', 20_000, -20_000),
    'OS/2': b'BM' + bytes(12) + struct.pack('<IHHHH', 12, 20_000, 20_000, 1, 24) + bytes(99),
    'fill bytes before a marker': JPEG[:2] + b'\xff\xff\xff' + JPEG[2:],
    'bytes of no marker': JPEG[:20] + b'\0abc\xff\0\xff\x01\xff\xd0' + JPEG[20:],
    'a segment shorter than its length': JPEG[:20] + b'\xff\xfe\0\0' + JPEG[20:],
    'comments': PPM.replace(b'P6\n', b'P6 # 1 1\n#2 2\n'),
    'a width that is there twice': tiff((256, 20_000), (256, 10), (257, 20_000)),
    'tiles': tiff((256, 10), (257, 10), (322, 20_000), (323, 20_000)),
}
OTHERS = {
    'PFM': b'PF\n20000 20000\n-1.0\n' + bytes(99), 'PAM': b'P7\nWIDTH 9\nHEIGHT 9\nDEPTH 3\nMAXVAL 255\nENDHDR\n',
    'HDR': b'#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 20000 +X 20000\n' + bytes(99), 'GIF': b'GIF89a' + bytes(99),
    'Sun': struct.pack('>8I', 0x59a66a95, 20_000, 20_000, 24, 0, 1, 0, 0), 'EXR': b'v/1\1' + bytes(99),
    'JPEG 2000': b'\0\0\0\x0cjP  \r\n\x87\n' + bytes(99), 'AVIF': b'\0\0\0\x20ftypavif' + bytes(99),
    'BigTIFF': b'II+\0' + bytes(99), 'frame only': encoded('.webp')[20:], 'empty': b'', 'a PNG that begins elsewhere':
    encoded('.png')[:12] + b'tEXt' + encoded('.png')[16:], 'a JPEG that ends first': JPEG[:2] + b'\xff\xd9' + JPEG[2:],
    'a TIFF whose width is a fraction': tiff((256, 9), (257, 9)).replace(struct.pack('>HH', 256, 4), b'\1\0\0\5'),
    'a chunk longer than the file': encoded('.png').replace(b'IEND', b'tEXt')[:-12] + b'\x7f\0\0\0tEXt' + bytes(20),
    'no pixels': encoded('.ppm', 0, 9), 'a width of 5000 digits': b'P6 ' + b'9' * 5000 + b' 9 255\n'}


@pytest.mark.parametrize('suffix', SUFFIXES)
def test_sizes_of_headers_are_read(suffix):
    content = encoded(suffix, image=GREY if suffix in GREYS else IMAGE)
    assert decode_picture(content).shape == IMAGE.shape and claimed_size(content) == (40, 30)
    lossless = cv2.imencode('.webp', IMAGE, [cv2.IMWRITE_WEBP_QUALITY, 101])[1].tobytes()
    assert decode_picture(lossless).shape == IMAGE.shape and claimed_size(lossless) == (40, 30)


@pytest.mark.parametrize('name', BOMBS)
def test_bombs_are_refused_before_they_are_decoded(name, monkeypatch):
    monkeypatch.setattr(image_files.mmcv, 'imfrombytes', None)  # it is not called
    with pytest.raises(OSError, match='it claims [26]0000 x [25]0000 pixels, more than 268435456'):
        decode_picture(BOMBS[name])


@pytest.mark.parametrize('name', OTHERS)
def test_a_picture_that_does_not_tell_its_size_is_not_decoded(name, monkeypatch):
    monkeypatch.setattr(image_files.mmcv, 'imfrombytes', None)
    with pytest.raises(OSError, match='it is no BMP, JPEG, PNG, PNM, TIFF or WebP picture, or damaged'):
        decode_picture(OTHERS[name])


@pytest.mark.parametrize('suffix', SUFFIXES[1:])  # the header of a PNG has a check sum
def test_no_picture_has_more_pixels_than_its_header_claims(suffix, monkeypatch):
    monkeypatch.setattr(image_files, 'MAX_PIXELS', 1 << 14)
    rng = np.random.default_rng(0)
    good = np.frombuffer(encoded(suffix, image=GREY if suffix in GREYS else IMAGE), np.uint8)
    read = 0
    for _ in range(60):
        content = good.copy()
        span = slice(-250, None) if suffix == '.tif' else slice(2, 60)  # where the size is told
        content[span][rng.integers(0, len(content[span]), 2)] = rng.choice([0, 1, 9, 32, 35, 50, 255], 2)
        try:
            image = decode_picture(content.tobytes())
        except OSError:
            continue
        read += 1
        assert image.shape[0] * image.shape[1] <= np.prod(claimed_size(content.tobytes()))
    assert read


def test_headers_that_are_cut_off_are_damaged_pictures():
    for suffix in ('.png', '.jpg', '.bmp', '.webp', '.tif', '.ppm'):
        for length in (1, 2, 3, 9, 17, 20, 25):
            with pytest.raises(OSError, match='or damaged|it is damaged'):
                decode_picture(encoded(suffix)[:length])


def test_an_input_picture_that_is_a_bomb_keeps_its_place(tmp_path):
    for number, content in enumerate((encoded('.png'), BOMBS['tiles'], OTHERS['HDR'])):
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
