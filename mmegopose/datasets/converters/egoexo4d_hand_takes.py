"""Which takes of Ego-Exo4D have hands to prepare, what they and their cameras are called, and the test template."""
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...files import BadFile, atomic_write, read_json, require
from .egoexo4d_hand_filters import HandRules

LABELS = dict(manual='annotation', auto='automatic')
TEMPLATE = 'ego_pose_gt_anno_test_public.json'
PLACES = ('in handpose/data_preparation of https://github.com/EGO4D/ego-exo4d-egopose, or at the root of a rendered '
          'sample')


@dataclass(frozen=True)
class SequenceJob:
    """One take of one split.

    Attributes:
        root, out: folders of the release, and of what is made of it.
        camera: name of the headset.
        labels: file of each kind of labels.
        template: frames of the test template.
        pictures: whether frames are undistorted, too.
    """
    root: Path
    out: Path
    split: str
    uid: str
    name: str
    camera: str
    labels: dict[str, Path]
    template: tuple[int, ...]
    rules: HandRules
    pictures: bool


def choose_takes(root: Path, out: Path, split: str, kinds: tuple, rules: HandRules, template: str | Path | None,
                 pictures: bool, counts: Counter, problems: list) -> Iterator[SequenceJob]:
    """The takes that the official tool would choose: with labels, a camera pose, in this split, for ego pose.

    Arguments as of :func:`.egoexo4d_hand.prepare_hands`; ``problems`` receives ``(take, what is wrong)``.
    """
    base = root / 'annotations' / 'ego_pose' / split
    files: dict[str, dict] = {}
    for kind in kinds:
        if split == 'test' and (kind == 'auto' or template):
            continue  # automatic labels of the test split are in no release
        for path in sorted((base / 'hand' / LABELS[kind]).glob('*.json')):
            files.setdefault(path.name.split('.')[0], {})[kind] = path
    frames = _template(out, kinds, template, counts, problems) if split == 'test' and not files else {}
    listed = read_json(require(root / 'takes.json', 'name the folder of the Ego-Exo4D release, which holds it'), list)
    takes = {take['take_uid']: take for take in listed if isinstance(take, dict)
             and isinstance(take.get('take_uid'), str)}
    named = Counter(str(take.get('take_name')) for take in takes.values())
    chosen = _chosen(root, split)
    for uid in sorted(files | frames):
        take = takes.get(uid, {})
        if chosen is not None and uid not in chosen and uid not in frames:
            counts['takes of another split or benchmark'] += 1
            continue
        try:
            if not _is_name(uid):
                raise BadFile(f'{uid!r} is no name of files')
            if uid in files and not (base / 'camera_pose' / f'{uid}.json').is_file():
                raise BadFile(f'there is no file of camera poses, {base / "camera_pose" / uid}.json')
            name, camera = _names(take, uid, base / 'camera_pose' / f'{uid}.json')
            if named[name] > 1:
                raise BadFile(f'takes.json has {named[name]} takes of the name {name!r}: of which the recording is, '
                              'cannot be told')
        except (BadFile, OSError) as error:
            known = take.get('take_name')
            problems.append((known if _is_name(known) else uid, str(error)))
            counts['takes left out'] += 1
            continue
        yield SequenceJob(root, out, split, uid, name, camera, files.get(uid, {}), frames.get(uid, ()), rules, pictures)


def _chosen(root: Path, split: str) -> set | None:
    """Takes of a split that belong to the benchmark, by ``splits.json``; None if there is no such file."""
    path = root / 'annotations' / 'splits.json'
    if not path.is_file():
        return None
    content = read_json(path)
    of_split, benchmarks = content.get('split_to_take_uids'), content.get('take_uid_to_benchmark')
    if not isinstance(of_split, dict) or not isinstance(benchmarks, dict):
        raise BadFile(f'{path} has no split_to_take_uids and take_uid_to_benchmark; download it again')
    uids = of_split.get(split) or []
    if not isinstance(uids, list) or not all(isinstance(uid, str) for uid in uids):
        raise BadFile(f'{path}: split_to_take_uids of {split} should be a list of names; download it again')
    return {uid for uid in uids if isinstance(benchmarks.get(uid), list) and 'ego_pose' in benchmarks[uid]}


def _template(out: Path, kinds: tuple, given, counts: Counter, problems: list) -> dict[str, tuple[int, ...]]:
    """Frames of each take of the test template, which is copied to where the official tool wants it."""
    places = [out / 'annotation' / kind / TEMPLATE for kind in kinds]
    path = Path(given).expanduser() if given else next((place for place in places if place.is_file()), None)
    if path is None:
        problems.append(('test', f'there are no labels, and no {TEMPLATE}: name it with --template; it is {PLACES}'))
        return {}
    content = read_json(require(path, f'--template should name {TEMPLATE}, which is {PLACES}'))
    for place in places:
        if given and not (place.exists() and place.samefile(path)):
            with atomic_write(place) as file:
                json.dump(content, file)
    found = {uid: tuple(int(frame) for frame in entries if frame.isascii() and frame.isdigit() and len(frame) < 10)
             for uid, entries in content.items() if isinstance(entries, dict)}
    counts['frames of the template'] += sum(map(len, found.values()))
    return found


def _names(take: dict, uid: str, camera_pose: Path) -> tuple[str, str]:
    """Name of a take and of its headset; by its camera poses if takes.json does not know it."""
    name, camera = take.get('take_name'), _headset(take)
    if not (name and camera):
        content = read_json(require(camera_pose, 'neither takes.json nor camera poses tell the name of the take'))
        facts = content.get('metadata')
        name = name or (facts.get('take_name') if isinstance(facts, dict) else None) or uid
        camera = camera or next((key for key in content if 'aria' in key), None)
    if not camera:
        raise BadFile(f'{camera_pose} and takes.json know no camera of glasses')
    if not (_is_name(name) and _is_name(camera)):
        raise BadFile(f'{name!r}, {camera!r} are no names of a take and of its camera')
    return name, camera


def _is_name(name) -> bool:
    """Whether this is the name of a file or folder, and no path to another one, nor what a terminal obeys."""
    return isinstance(name, str) and name.isprintable() and name not in ('', '..') and Path(name).name == name


def _headset(take: dict) -> str | None:
    """The camera that the wearer has on, by the rules of the official tool."""
    capture, aligned = take.get('capture'), take.get('frame_aligned_videos')
    cameras, aligned = capture.get('cameras') if isinstance(capture, dict) else [], aligned or {}
    names = [str(camera.get('cam_id')) for camera in (cameras if isinstance(cameras, list) else [])
             if isinstance(camera, dict) and str(camera.get('is_ego')).lower() == 'true']
    if not isinstance(aligned, (dict, list)):
        aligned = {}
    for narrower in (lambda name: name in aligned, lambda name: 'aria' in name.lower()):
        if len(names) > 1:
            names = [name for name in names if narrower(name)] or names
    return names[0] if len(names) == 1 else None
