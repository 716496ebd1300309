"""How large an encoded picture claims to be, read from its first bytes before a decoder takes memory for it."""
import re

JPEG_FRAMES = set(range(0xc0, 0xd0)) - {0xc4, 0xc8, 0xcc}  # segments that say how large a JPEG is
JPEG_BARE = {0x01, *range(0xd0, 0xd8)}                     # markers without a segment
JPEG_ENDS = {0xd8, 0xd9, 0xda}                             # where libjpeg gives up if no size was told before
PNM_GAP = rb'\s(?:\s|#[^\r\n]*[\r\n])*'
PNM = re.compile(rb'P[1-6]' + PNM_GAP + rb'(\d{1,10})' + PNM_GAP + rb'(\d{1,10})\s')


def claimed_size(content: bytes) -> tuple[int, int] | None:
    """Width and height in pixels that the header of a picture claims, as its decoder reads them.

    None: it has another format than BMP, JPEG, PNG, PNM (PBM, PGM, PPM), TIFF and WebP, or its header is damaged.
    """
    size = _size(content)
    return size if size is not None and min(size) > 0 else None


def _size(content: bytes) -> tuple[int, int] | None:
    if content.startswith(b'\x89PNG\r\n\x1a\n'):
        return _of_png(content)
    if content.startswith(b'BM'):
        return _of_bmp(content)
    if content.startswith(b'\xff\xd8\xff'):
        return _of_jpeg(content)
    if content.startswith((b'II*\0', b'MM\0*')):
        return _of_tiff(content)
    if content.startswith(b'RIFF') and content[8:12] == b'WEBP':
        return _of_webp(content)
    told = PNM.match(content)
    return (int(told[1]), int(told[2])) if told else None


def _number(content: bytes, begin: int, num_bytes: int, order='big') -> int:
    """0 where the content has ended."""
    part = content[begin:begin + num_bytes]
    return int.from_bytes(part, order) if len(part) == num_bytes else 0


def _of_bmp(content: bytes) -> tuple[int, int] | None:
    header = _number(content, 14, 4, 'little')
    if header == 12:
        return _number(content, 18, 2, 'little'), _number(content, 20, 2, 'little')
    width, height = _number(content, 18, 4, 'little'), _number(content, 22, 4, 'little')
    return (width, min(height, (1 << 32) - height)) if header >= 36 else None  # the height may be negative


def _of_png(content: bytes) -> tuple[int, int] | None:
    """None also if a chunk claims to be longer than the file: OpenCV takes memory for it."""
    place, kind = 8, b''
    while kind != b'IEND' and place < len(content):
        kind = content[place + 4:place + 8]
        place += 12 + _number(content, place, 4)
    whole = content[12:16] == b'IHDR' and place <= len(content)
    return (_number(content, 16, 4), _number(content, 20, 4)) if whole else None


def _of_jpeg(content: bytes) -> tuple[int, int] | None:
    """As libjpeg goes: bytes of no marker are skipped, and any number of 0xff may stand before one."""
    place = 2
    while (place := content.find(b'\xff', place)) >= 0:
        while content[place:place + 1] == b'\xff':
            place += 1
        marker, place = _number(content, place, 1), place + 1
        if marker in JPEG_FRAMES:
            return _number(content, place + 5, 2), _number(content, place + 3, 2)
        if marker in JPEG_ENDS:
            return None
        if marker and marker not in JPEG_BARE:
            place += max(_number(content, place, 2), 2)
    return None


def _of_tiff(content: bytes) -> tuple[int, int] | None:
    """Of the first image or, if they are larger, its tiles. Of a value that is there twice the larger one counts."""
    order = 'little' if content.startswith(b'II') else 'big'
    first = _number(content, 4, 4, order)
    sides = {256: 0, 257: 0, 322: 0, 323: 0}
    for entry in range(first + 2, first + 2 + 12 * _number(content, first, 2, order), 12):
        tag, kind = _number(content, entry, 2, order), _number(content, entry + 2, 2, order)
        if tag in sides:
            if kind not in (3, 4):  # neither a short nor a long number
                return None
            sides[tag] = max(sides[tag], _number(content, entry + 8, 2 if kind == 3 else 4, order))
    return (max(sides[256], sides[322]), max(sides[257], sides[323])) if sides[256] and sides[257] else None


def _of_webp(content: bytes) -> tuple[int, int] | None:
    kind = content[12:16]
    if kind == b'VP8X':
        return _number(content, 24, 3, 'little') + 1, _number(content, 27, 3, 'little') + 1
    if kind == b'VP8 ':
        return _number(content, 26, 2, 'little') & 0x3fff, _number(content, 28, 2, 'little') & 0x3fff
    bits = _number(content, 21, 4, 'little')
    return ((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1) if kind == b'VP8L' else None
