"""Wrists beside a head track, from whatever they are given as."""
from pathlib import Path

import numpy as np

from ....files import BadFile, as_floats
from ....geometry.conventions import PoseConvention
from ....npz import read_array, read_arrays
from ..head_tracks import HeadTrack
from ..head_tracks.arrays import TIMES
from .controllers import read_controllers
from .hand_predictions import read_hand_predictions
from .hand_track import HandTrack, empty_hands, within_reach
from .mps_hands import NAMES, find_mps_hands, read_mps_hands

OF_TABLES = ('columns', 'fps', 'time_unit', 'preset', 'up', 'camera', 'unit')


def read_wrists(wrists, track: HeadTrack, convention: PoseConvention | None = None, **options) -> HandTrack:
    """The wrists of a recording, in the world of its head track.

    Args:
        wrists: a :class:`HandTrack`; hands of Aria MPS, their file or a folder with it; predictions of the hand pose
            task in a JSON file, see :func:`.read_hand_predictions`; a table of controllers or wrists, see
            :func:`.read_controllers`; or an array ``(N,2,3)``, left and right, a row for each pose of the
            track, NaN where a hand is not seen. The array may come as an ``.npy`` file, or as ``wrists`` in an
            ``.npz``, which may hold ``time (N,)``, seconds of the clock of the track.
        track: the head track.
        convention: axes and unit of the world of an array; default: z up, metres.
        options: of the reader of a table; those of head tracks that it does not have are left out.

    Raises:
        FileNotFoundError, BadFile: the file cannot be read, or the wrists are not within reach of the head.
        ValueError: an array of another shape.
    """
    return within_reach(_read(wrists, track, convention, options), track)


def _read(wrists, track: HeadTrack, convention: PoseConvention | None, options: dict) -> HandTrack:
    if isinstance(wrists, HandTrack):
        return wrists
    time, source = None, 'wrists'
    if isinstance(wrists, (str, Path)):
        path, source = Path(wrists).expanduser(), str(wrists)
        if path.suffix not in ('.npy', '.npz'):
            if path.suffix == '.json':
                return read_hand_predictions(path, track)
            if path.is_dir() or path.name in NAMES:
                return read_mps_hands(path, track)
            return read_controllers(path, **{key: value for key, value in options.items() if key in OF_TABLES})
        if not path.is_file():
            raise FileNotFoundError(f'there is no {path}')
        wrists, time = _load(path)
    try:
        places = as_floats(wrists)
    except ValueError as error:
        raise ValueError(f'{source} should be numbers of the shape (N,2,3): {error}') from None
    if places.ndim != 3 or places.shape[1:] != (2, 3) or not len(places):
        raise ValueError(f'{source} should be numbers of the shape (N,2,3), the left and the right wrist, got '
                         f'{places.shape}')
    places[(places == 0).all(-1)] = np.nan  # what trackers write for a hand that is not there
    if time is None:
        if len(places) != len(track):
            raise ValueError(f'{source} should have a row for each of the {len(track)} poses of the track, got '
                             f'{len(places)}; hands of another rate come with their times, in a file or as a HandTrack')
        time, places = track.time[track.valid], places[track.valid]
    elif time.shape != (len(places),) or not (np.diff(time) > 0).all():
        raise ValueError(f'{source}: time should be {len(places)} seconds in ascending order, got {time.shape}')
    return _hand_track(time, (convention or PoseConvention()).points_to_standard(places), source)


def recorded_wrists(path, track: HeadTrack) -> HandTrack | None:
    """The hands that Aria MPS tracked in a recording; None: it is none of MPS, or has none.

    Raises ``BadFile`` or ``ValueError`` for hands that do not belong to the track.
    """
    if track.facts.get('format') != 'aria_mps' or not isinstance(path, (str, Path)):
        return None
    path = Path(path).expanduser()
    folder = path if path.is_dir() else path.parent
    found = find_mps_hands(folder.parent if folder.name in ('slam', 'trajectory') else folder)
    return None if found is None else within_reach(read_mps_hands(found, track), track)


def _load(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    if path.suffix == '.npy':
        return read_array(path), None
    arrays = read_arrays(path, ['wrists', *TIMES])
    if 'wrists' not in arrays:
        raise BadFile(f'{path} has no array wrists')
    return arrays['wrists'], next((arrays[name].astype(float) for name in TIMES if name in arrays), None)


def _hand_track(time: np.ndarray, places: np.ndarray, source: str) -> HandTrack:
    """A track of places alone ``(N,2,3)``, NaN where there is none."""
    there, hands = np.isfinite(places).all(-1), empty_hands(len(places))
    hands['joints'][:, :, 0] = np.where(there[..., None], places, 0)
    hands['valid'][:, :, 0] = hands['confidence'][:] = there
    return HandTrack(time, **hands, facts=dict(source=source, format='arrays', notes=[]))
