"""JSON of mmpose, COCO, AlphaPose and Ultralytics: lists of people, frame by frame or all together."""
import itertools
from collections import Counter
from pathlib import Path

from ....files import DAMAGE, BadFile, read_json
from .collector import Collector
from .guard import guarded
from .pixel_checks import check_image_size, number_in_name, numbered_files
from .poses_2d import Poses2D

ALPHAPOSE_COUNTS = {51: 17, 54: 18, 78: 26, 408: 136}


def read_list(path: str | Path, key: str = '') -> list:
    """A JSON list, or that under ``key`` of a JSON object."""
    content = read_json(path, (list, dict))
    if isinstance(content, dict):
        content = content.get(key)
    if not isinstance(content, list):
        raise BadFile(f'{path} should hold a JSON list' + (f', or one under {key!r}' if key else ''))
    return content


@guarded
def read_mmpose(path: str | Path, **options) -> Poses2D:
    """MMPose's predictions: of a video ``[{frame_id, instances}]``, of an image ``[instance]``, or a folder of images'.

    Args:
        path: JSON file, or folder with one for each image, in the order of the numbers in their names.
        options: of :class:`.Collector`.

    Raises:
        FileNotFoundError, BadFile.
    """
    path = Path(path)
    if path.is_dir():
        files = numbered_files(path, '.json')
        frames = [(number - files[0][0], read_list(file, 'instance_info')) for number, file in files]
    else:
        content = read_list(path, 'instance_info')
        if content and all(isinstance(entry, dict) and 'instances' in entry for entry in content):
            numbers = [_frame_id(entry, number, path) for number, entry in enumerate(content)]
            [(number, times)] = Counter(numbers).most_common(1)
            if times > 1:
                raise BadFile(f'{path}: {times} entries have frame_id {number}, but each should be a frame of its own')
            frames = [(number - min(*numbers, 1), entry['instances']) for number, entry in zip(numbers, content)]
        else:
            frames = [(0, content)]
    collector = Collector(path, 'mmpose', **{'num_frames': max((n for n, _ in frames), default=-1) + 1, **options})
    for number, instances in frames:
        if not isinstance(instances, (list, type(None))):
            raise BadFile(f'{path}: frame {number}: instances should be a list, got {str(instances)[:80]}')
        for instance in instances or ():
            if not isinstance(instance, dict) or 'keypoints' not in instance:
                raise BadFile(f'{path}: frame {number}: an instance should have keypoints, got {str(instance)[:80]}')
            box = instance.get('bbox')
            if isinstance(box, list) and box and isinstance(box[0], list):  # mmpose nests it once too often
                box = box[0]
            collector.add(number, instance['keypoints'], instance.get('keypoint_scores'), box=box, score=instance.get(
                'bbox_score'), person=instance.get('track_id'))
    return collector.finish()


@guarded
def read_coco(path: str | Path, **options) -> Poses2D:
    """COCO: a list of results ``{image_id, keypoints, score}``, or annotations with ``images``.

    Without the list of images the frames are the ``image_id``s, counted from the first.

    Args:
        path: JSON file.
        options: of :class:`.Collector`.

    Raises:
        FileNotFoundError, BadFile.
    """
    content = read_json(path, (list, dict))
    images, rows, labels = {}, content, False
    if isinstance(content, dict):
        rows, labels = content.get('annotations'), True
        listed = content.get('images') or []
        if not isinstance(listed, list) or not all(isinstance(image, dict) and isinstance(image.get('id'), (int, str))
                                                   for image in listed):
            raise BadFile(f'{path}: images should be a list of {{id, width, height, file_name}}, got '
                          f'{str(listed)[:80]}')
        listed.sort(key=lambda image: (_digits(image.get('file_name', '')), isinstance(image['id'], str), image['id']))
        images = {image['id']: number for number, image in enumerate(listed)}
        sizes = {(image.get('width'), image.get('height')) for image in listed} - {(None, None)}
        if len(sizes) == 1:
            options['image_size'] = check_image_size(options.get('image_size'), sizes.pop(), path)
    if not isinstance(rows, list):
        raise BadFile(f'{path} should hold a list of results, or annotations')
    try:
        ids = [row['image_id'] for row in rows]
        first = min((int(image) for image in ids), default=0) if not images else 0
        collector = Collector(path, 'coco', **{'num_frames': len(images) or None, **options})
        for row, image in zip(rows, ids):
            values = row.get('keypoints')
            if not values or not any(values):
                continue
            points = [values[i:i + 3] for i in range(0, len(values), 3)]
            if labels:  # 0: no label, 1: hidden, 2: visible; what is labelled is known
                points = [[x, y, float(seen > 0)] for x, y, seen in points]
            box = _from_corner(row.get('bbox'))
            collector.add(images[image] if images else int(image) - first, points, box=box, score=row.get('score'),
                          person=row.get('track_id'))
    except DAMAGE as error:
        if isinstance(error, BadFile):
            raise
        raise BadFile(f'{path}: results should have image_id and keypoints ({type(error).__name__}: {error})') from None
    return collector.finish()


@guarded
def read_alphapose(path: str | Path, **options) -> Poses2D:
    """AlphaPose's ``alphapose-results.json``: one list over all frames, with ``idx`` where people were tracked.

    COCO models of AlphaPose give sums of scores up to 6; they are cut at 1, with a note. A frame without a person has
    no entry: the numbers of the frames come from the names of the pictures.

    Args:
        path: JSON file, of ``--format coco`` (default), ``cmu`` or ``open``.
        options: of :class:`.Collector`.

    Raises:
        FileNotFoundError, BadFile.
    """
    content = read_json(path, (list, dict))
    collector = Collector(path, 'alphapose', **options)
    if isinstance(content, dict):
        for name, frame in content.items():
            if not isinstance(frame, dict) or not {'people', 'bodies'} & set(frame):
                raise BadFile(f'{path}: {name!r} should be a picture with people or bodies, got {str(frame)[:60]}')
            people = frame.get('people') or frame.get('bodies') or []
            if not isinstance(people, list) or not all(isinstance(person, dict) for person in people):
                raise BadFile(f'{path}: {name!r}: people should be a list of dicts, got {str(people)[:60]}')
            for person in people:
                values = person.get('pose_keypoints_2d') or person.get('joints') or []
                collector.add(number_in_name(name, path), _triples(values, path))
        return collector.finish()
    for row in content:
        if not isinstance(row, dict) or 'image_id' not in row or 'keypoints' not in row:
            raise BadFile(f'{path}: an entry should have image_id and keypoints, got {str(row)[:80]}')
        person = row.get('idx')
        while isinstance(person, list):
            person = person[0] if person else None
        collector.add(number_in_name(row['image_id'], path), _triples(row['keypoints'], path), person=person,
                      box=_from_corner(row.get('box')), score=row.get('score') or None)
    return collector.finish()


@guarded
def read_ultralytics_json(path: str | Path, **options) -> Poses2D:
    """Ultralytics' ``to_json()`` of each frame, in one list: ``[[{box, confidence, keypoints: {x, y, visible}}]]``.

    Args:
        path: JSON file.
        options: of :class:`.Collector`.

    Raises:
        FileNotFoundError, BadFile.
    """
    frames = read_list(path, 'frames')
    if frames and isinstance(frames[0], dict):
        frames = [frames]
    collector = Collector(path, 'ultralytics_json', **{'num_frames': len(frames), **options})
    for number, people in enumerate(frames):
        for person in people if isinstance(people, list) else [people] if people else ():
            try:
                marks, box = person['keypoints'], person['box']
                points = list(itertools.zip_longest(marks['x'], marks['y']))
                collector.add(number, points, marks.get('visible'), box=[box[key] for key in ('x1', 'y1', 'x2', 'y2')],
                              score=person.get('confidence'), person=person.get('track_id'))
            except (KeyError, TypeError) as error:
                raise BadFile(f'{path}: frame {number}: a person should have box and keypoints with x and y '
                              f'({type(error).__name__}: {error})') from None
    return collector.finish()


def _triples(values, path) -> list:
    if not isinstance(values, list) or len(values) % 3:
        raise BadFile(f'{path}: keypoints should be x, y, confidence of each joint, got {str(values)[:60]}')
    return [values[i:i + 3] for i in range(0, len(values), 3)]


def _from_corner(box) -> list | None:
    """Left, top, right, bottom of COCO's left, top, width, height."""
    if not isinstance(box, (list, tuple)) or len(box) != 4:
        return None
    if not all(isinstance(side, (int, float)) for side in box):
        return list(box)  # left out, and counted
    return [box[0], box[1], box[0] + box[2], box[1] + box[3]]


def _frame_id(entry: dict, number: int, path) -> int:
    found = entry.get('frame_id', number)
    if not isinstance(found, int) or found < 0:
        raise BadFile(f'{path}: entry {number}: frame_id should be the number of a frame, got {str(found)[:60]!r}')
    return found


def _digits(name: str) -> int:
    try:
        return number_in_name(name, '')
    except BadFile:
        return -1
