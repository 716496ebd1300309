"""The one entry for head tracks: a file or folder of any known format, found out by its content."""
import difflib
import inspect
import zipfile
from collections.abc import Callable
from pathlib import Path

from ....files import BadFile
from ..formats import choose_format
from ..tables import read_header
from .aria_mps import is_mps_folder, read_aria_mps, read_egoexo4d_camera
from .arrays import read_array_track
from .colmap import read_colmap
from .csv_track import read_csv_track
from .hololens import EGOBODY_COLUMNS, read_hololens
from .phones import read_record3d, read_stray_scanner
from .text_tracks import read_euroc, read_kitti, read_tum
from .track import HeadTrack
from .track_import import import_track

FORMATS: dict[str, Callable] = dict(
    aria_mps=read_aria_mps, egoexo4d=read_egoexo4d_camera, csv=read_csv_track,
    stray_scanner=read_stray_scanner, record3d=read_record3d, hololens=read_hololens, tum=read_tum, euroc=read_euroc,
    kitti=read_kitti, colmap=read_colmap, arrays=read_array_track)


def read_head_track(path: str | Path, format: str = 'auto', **options) -> HeadTrack:
    """The head track of a recording; its self-tests have passed, or an error says what to change.

    Args:
        path: file or folder.
        format: key of :data:`FORMATS`, or ``'auto'``: by the names and the first lines of the files.
        options: of the format's reader; all take those of :func:`.track_import.import_track` (``preset``, ``up``,
            ``camera``, ``direction``, ``unit``, ``time_unit``, ``head_offset``, ``max_gap``, ``quaternion``,
            ``check``).

    Raises:
        FileNotFoundError: there is no such file.
        KeyError: unknown format.
        BadFile: not a file of the format; the message names line and column.
        ImplausibleTrack: poses that no head makes; the message names the likely cause and the option that mends it.
    """
    path, name = choose_format(path, format, FORMATS, detect_track_format)
    require_options(FORMATS[name], options, f'the format {name}')
    return FORMATS[name](path, **options)


def require_options(reader: Callable, options: dict, what: str) -> None:
    """``TypeError`` that names the nearest ones if a reader has not these options."""
    known = {*inspect.signature(reader).parameters, *inspect.signature(import_track).parameters} - {
        'path', 'poses', 'options', 'convention', 'source', 'world', 'quality', 'gravity', 'facts', 'file_quaternion'}
    known |= set(inspect.signature(reader).parameters) & {'gravity', 'world', 'quality'}
    for option in options:
        if option not in known:
            near = difflib.get_close_matches(option, known, 3, 0.6) or sorted(known)
            raise TypeError(f'{what} has no option {option!r}; nearest: {", ".join(near)}')


def detect_track_format(path: str | Path) -> str:
    """Key of :data:`FORMATS` for a file or folder. Raises ``BadFile`` if it looks like none of them."""
    path = Path(path).expanduser()
    found = _of_folder(path) if path.is_dir() else _of_file(path)
    if found is None:
        raise BadFile(f'{path} looks like no known head track; say what it is: format, one of {sorted(FORMATS)}')
    return found


def _of_folder(path: Path) -> str | None:
    if is_mps_folder(path):
        return 'aria_mps'
    signs = (('stray_scanner', ('odometry.csv',)), ('record3d', ('metadata.json', 'metadata')),
             ('colmap', ('images.bin', 'images.txt', 'sparse/0/images.*')))
    return next((name for name, patterns in signs if any(next(path.glob(p), None) for p in patterns)), None)


def _of_file(path: Path) -> str | None:
    suffix = path.suffix.lower()
    if path.name in ('images.txt', 'images.bin'):
        return 'colmap'
    if suffix == '.json' and _names_extrinsics(path):
        return 'egoexo4d'
    if suffix in ('.r3d', '.json'):
        return 'record3d'
    if suffix == '.npz' and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return 'hololens' if 'head_forward.npy' in archive.namelist() else 'arrays'
    if suffix in ('.npy', '.npz'):
        return 'arrays'
    names, delimiter = read_header(path)
    numbers = sum(_is_number(name) for name in names)
    if numbers == len(names):  # no header
        if delimiter == ',':
            return {EGOBODY_COLUMNS: 'hololens', 4: 'hololens', 17: 'euroc', 8: 'euroc'}.get(len(names))
        return {8: 'tum', 12: 'kitti'}.get(len(names))
    if {'tx_world_device', 'tx_odometry_device'} & set(names):
        return 'aria_mps'
    if any(name.startswith('p_RS_R_x') for name in names):
        return 'euroc'
    if names[:5] == ['timestamp', 'frame', 'x', 'y', 'z']:
        return 'stray_scanner'
    first = _first_row(path)
    if delimiter is None and len(first) == 8 and all(map(_is_number, first)) and len(names) > 0:
        return 'tum' if _starts_with_comment(path) else 'csv'
    return 'csv'


def _first_row(path: Path) -> list:
    """Cells of the first line that is no comment."""
    with open(path, encoding='utf-8-sig', errors='replace') as file:
        return next((line.split() for line in file if line.strip() and not line.startswith('#')), [])


def _starts_with_comment(path: Path) -> bool:
    with open(path, encoding='utf-8-sig', errors='replace') as file:
        return next((line.startswith('#') for line in file if line.strip()), False)


def _names_extrinsics(path: Path) -> bool:
    """Whether the first part of a file, with its first cameras, names camera_extrinsics."""
    with open(path, encoding='utf-8-sig', errors='replace') as file:
        return '"camera_extrinsics"' in file.read(1 << 16)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
