"""Calibration of the colour camera of Aria glasses of the first generation, from wherever a recording keeps it."""
import copy
import struct
from collections.abc import Sequence
from pathlib import Path

from ...files import DAMAGE, BadFile, as_floats, parse_json
from ...geometry.cameras import FisheyeRadTanThinPrism

CAMERA = 'camera-rgb'
MODEL = 'FisheyeRadTanThinPrism'
SENSOR, BORDER = 2880, 32     # pixels: the whole sensor, and what is cut off each side before two pixels become one
FRAME = (SENSOR - 2 * BORDER) // 2
OFF_CENTER = 0.1              # of half the picture: lenses sit closer than that to the middle of theirs
MAX_ANGLE = 1.0               # radians: what projectaria-tools lets this lens see
MAX_TAGS = 1 << 24            # bytes of tags in a .vrs file; real ones have 30 kB


def find_calibration(prepared: Sequence[Path], recording: Path, camera: str) -> tuple[dict, Path]:
    """Calibration of a device, and its file.

    The first that is there counts: a JSON file of ``prepared``; the tags of ``<camera>_noimagestreams.vrs`` or
    ``<camera>.vrs``; the first line of ``trajectory/online_calibration.jsonl``, where the colour camera is as the
    factory measured it.

    Args:
        prepared: where there may be an ``aria_calib_json/<name>.json``, as the official tool makes it.
        recording: folder ``takes/<name>`` of the download.
        camera: e.g. ``aria01``.

    Raises:
        FileNotFoundError: there is none of them.
        BadFile: it cannot be read.
    """
    places = [*prepared, recording / f'{camera}_noimagestreams.vrs', recording / f'{camera}.vrs',
              recording / 'trajectory' / 'online_calibration.jsonl']
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        advice = ('the first takes that mmegopose synthesize renders have one, as many as --fisheye says'
                  if recording.name.startswith('rendered_') else 'get it with egoexo --parts take_vrs_noimagestream')
        raise FileNotFoundError(f'there is no calibration: none of {", ".join(map(str, places))}; {advice}')
    if path.suffix == '.vrs':
        return parse_json(_calibration_tag(path), f'calib_json in {path}'), path
    with open(path, 'rb') as file:
        content = file.readline(MAX_TAGS) if path.suffix == '.jsonl' else file.read(MAX_TAGS)
    return parse_json(content, path), path


def frame_calibration(calibration: dict, where: str | Path) -> dict:
    """The calibration with the colour camera as it sees frames of 1408 x 1408, as the official tool writes it.

    Whether the file is for the whole sensor of 2880 x 2880 or for the frames is told by its principal point, which is
    near the middle: sizes stand in few files, and the official tool, which does not ask, halves what is half already.

    Raises:
        BadFile: there is no such camera, it has another model, or it is for pictures of another size.
    """
    calibration = copy.deepcopy(calibration)
    params = list(camera_params(calibration, where))
    size = next((size for size in (SENSOR, FRAME) if max(abs(2 * center / size - 1) for center in params[1:3])
                 < OFF_CENTER), None)
    if size is None:
        raise BadFile(f'{where}: the center of {CAMERA}, {params[1]:.1f} {params[2]:.1f}, is not near the middle '
                      f'of {SENSOR} x {SENSOR} or {FRAME} x {FRAME} pixels, which glasses of the first generation have')
    if not size / 4 < params[0] < size:
        raise BadFile(f'{where}: the focal length of {CAMERA}, {params[0]:.6g}, is not between {size // 4} and {size} '
                      f'pixels, as that of glasses is for {size} x {size} pixels')
    if size == SENSOR:
        params[:3] = [params[0] / 2, *((center - 0.5 - BORDER) / 2 for center in params[1:3])]
    _entry(calibration, where)['Projection']['Params'] = params
    return calibration


def frame_camera(params: tuple[float, ...], size: int = FRAME) -> FisheyeRadTanThinPrism:
    """The camera with :func:`camera_params` ``(15,)`` of :func:`frame_calibration`, for frames of ``size`` pixels."""
    (focal, *center), bends, scale = params[:3], params[3:], size / FRAME
    return FisheyeRadTanThinPrism([focal * scale, *((c + 0.5) * scale - 0.5 for c in center), *bends], MAX_ANGLE)


def camera_params(calibration: dict, where: str | Path) -> tuple[float, ...]:
    """The 15 parameters of the colour camera in a calibration; ``where`` begins the messages.

    Raises :class:`BadFile`: there is no such camera, or it has another model.
    """
    try:
        params = as_floats(_entry(calibration, where)['Projection'].get('Params')).tolist()
        FisheyeRadTanThinPrism(params)
    except DAMAGE as error:
        raise error if isinstance(error, BadFile) else BadFile(f'{where}: {CAMERA}: {error}') from None
    return tuple(params)


def _entry(calibration: dict, where) -> dict:
    cameras = calibration.get('CameraCalibrations')
    entries = [entry for entry in cameras if isinstance(entry, dict)] if isinstance(cameras, list) else []
    found = next((entry for entry in entries if entry.get('Label') == CAMERA), None)
    if found is None:
        raise BadFile(f'{where} has no {CAMERA} among its CameraCalibrations '
                      f'({", ".join(str(entry.get("Label")) for entry in entries) or "there are none"})')
    projection = found.get('Projection')
    if not isinstance(projection, dict) or projection.get('Name') != MODEL:
        name = projection.get('Name') if isinstance(projection, dict) else projection
        raise BadFile(f'{where}: {CAMERA} has the camera model {name!r}, but that of the glasses is {MODEL!r}; it '
                      'belongs to another camera')
    return found


def _calibration_tag(path: Path) -> bytes:
    """``calib_json`` among the tags of a VRS file, which stand in its description record.

    The layout is that of FileFormat.h and DescriptionRecord.cpp of https://github.com/facebookresearch/vrs.
    """
    try:
        with open(path, 'rb') as file:
            head = file.read(40)
            if head[:8] != b'VisionRe':
                raise BadFile(f'{path} is no VRS file; download it again')
            record_header, place = struct.unpack_from('<20xI8xq', head)[:2]
            file.seek(place)
            header = file.read(record_header)
            size, version = struct.unpack_from('<I8xI', header)
            if version != 2 or size > MAX_TAGS:
                raise BadFile(f'{path}: tags of version {version} and {size} bytes cannot be read')
            tags = _tags(file.read(size - record_header))
    except DAMAGE as error:
        raise error if isinstance(error, BadFile) else BadFile(f'{path} is cut off or damaged ({error}); download it '
                                                               'again') from None
    if 'calib_json' not in tags:
        raise BadFile(f'{path} has no calibration among its tags ({", ".join(tags) or "there are none"})')
    return tags['calib_json']


def _tags(record: bytes) -> dict[str, bytes]:
    """Tags of a file in a description record, after those of its streams."""
    place = 0

    def number() -> int:
        nonlocal place
        place += 4
        return struct.unpack_from('<I', record, place - 4)[0]

    def text() -> bytes:
        nonlocal place
        size = number()
        if place + size > len(record):
            raise ValueError(f'a tag of {size} bytes')
        place += size
        return record[place - size:place]

    def pairs() -> dict:
        return {text().decode('utf-8', 'replace'): text() for _ in range(number())}

    for _ in range(number()):
        place += 6  # id of the stream
        pairs()
        pairs()
    return pairs()
