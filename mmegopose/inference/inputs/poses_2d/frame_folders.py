"""One file a frame: OpenPose's JSON and Ultralytics' text files."""
from pathlib import Path

from ....files import BadFile, read_json
from .collector import Collector
from .guard import guarded
from .pixel_checks import numbered_files
from .poses_2d import Poses2D

OPENPOSE = {75: 'openpose25', 54: 'openpose18', 51: 'coco17', 78: 'halpe26', 63: 'hand21', 399: None, 408: None}
HAND_KEYS = dict(left_hand='hand_left_keypoints_2d', right_hand='hand_right_keypoints_2d')
YOLO_JOINTS = 17


@guarded
def read_openpose(path: str | Path, *, part: str = 'body', **options) -> Poses2D:
    """OpenPose's folder of ``<video>_<frame>_keypoints.json``, one file for each frame, with or without people.

    Args:
        path: folder, or one of its files.
        part: ``'body'``, ``'left_hand'`` or ``'right_hand'``.
        options: of :class:`.Collector`; ``--keypoint_scale 3`` (shares of the image) needs ``image_size``.

    Raises:
        FileNotFoundError, BadFile.
    """
    path = Path(path)
    files = numbered_files(path, '.json')
    if part not in ('body', *HAND_KEYS):
        raise ValueError(f"part={part!r} should be 'body', 'left_hand' or 'right_hand'")
    first, last = files[0][0], files[-1][0]
    if last - first >= len(files) * 100 + 1000:
        raise BadFile(f'{path}: {len(files)} files are spread over the frames {first} to {last}: are there files of '
                      'another video?')
    collector, last = None, last - first + 1
    for number, file in files:
        people = read_json(file).get('people')
        if not isinstance(people, list):
            raise BadFile(f'{file} has no list of people: is it a file of OpenPose?')
        for person in people:
            values = person.get(HAND_KEYS.get(part, 'pose_keypoints_2d')) if isinstance(person, dict) else None
            if not isinstance(values, list) or len(values) % 3 or (values and len(values) not in OPENPOSE):
                raise BadFile(f'{file}: {HAND_KEYS.get(part, "pose_keypoints_2d")} should be 25 or 18 times x, y, '
                              f'confidence, got {len(values) if isinstance(values, list) else values!r} numbers')
            if not values:
                continue
            collector = collector or _collector(path, len(values), part, last, options)
            identity = person.get('person_id')
            identity = identity[0] if isinstance(identity, list) and identity else identity
            collector.add(number - first, [values[i:i + 3] for i in range(0, len(values), 3)],
                          person=identity, where=file.name)
    return (collector or _collector(path, 75, part, last, options)).finish()


@guarded
def read_ultralytics(path: str | Path, *, image_size: tuple | None = None, **options) -> Poses2D:
    """Ultralytics' ``save_txt`` folder: ``cls cx cy w h  x y [c] ... [confidence] [track]`` a line, in image shares.

    A frame without a person has no file. The last numbers of a line are told apart by their number, and, if there is
    one only, by whether it is a whole number in all files.

    Args:
        path: folder of ``<video>_<frame>.txt`` (the first frame is 1), or one file.
        image_size: width and height of the images.
        options: of :class:`.Collector`; ``num_frames`` of the video, because the last ones may have no file.

    Raises:
        FileNotFoundError, BadFile; ``ValueError`` without ``image_size``.
    """
    path = Path(path)
    lines = [(frame, file, number, line.split()) for frame, file in numbered_files(path, '.txt')
             for number, line in enumerate(file.read_text(encoding='utf-8', errors='replace').splitlines(), 1)
             if line.strip()]
    lengths = {len(cells) for *_, cells in lines}
    joints = YOLO_JOINTS
    layouts = {5 + joints * width + more: (width, more) for width in (3, 2) for more in (0, 1, 2)}
    if not lengths <= set(layouts):
        raise BadFile(f'{path}: lines have {sorted(lengths)} numbers; a pose of {joints} joints has one of '
                      f'{sorted(layouts)}')
    tails = [cells[-1] for *_, cells in lines if layouts[len(cells)][1] == 1]
    tracked = bool(tails) and all(cell.isascii() and cell.lstrip('-').isdigit() for cell in tails) and any(
        float(cell) > 1 for cell in tails)
    collector = Collector(path, 'ultralytics', image_size=image_size, **{'normalized': True, **options})
    for frame, file, number, cells in lines:
        where = f'{file.name}: line {number}'
        try:
            values = [float(cell) for cell in cells]
        except ValueError:
            raise BadFile(f'{path}: {where} should be numbers, is {" ".join(cells)[:60]!r}') from None
        width, more = layouts[len(cells)]
        points = [values[5 + i * width:5 + (i + 1) * width] for i in range(joints)]
        person = values[-1] if more == 2 or (more == 1 and tracked) else None
        score = values[-2] if more == 2 else values[-1] if more == 1 and not tracked else None
        x, y, w, h = values[1:5]
        collector.add(max(frame - 1, 0), points, person=person, score=score, where=where,
                      box=[x - w / 2, y - h / 2, x + w / 2, y + h / 2])
    return collector.finish()


def _collector(path: Path, count: int, part: str, last: int, options: dict) -> Collector:
    skeleton = OPENPOSE[count] if part == 'body' else 'hand21'
    whole = part if skeleton is None else 'body'
    return Collector(path, 'openpose', part=whole, **{'skeleton': skeleton, 'num_frames': last, **options})
