"""Rendered takes in the official layout of Ego-Exo4D: labels of bodies and hands, videos, undistorted pictures."""
import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from ...datasets.mocap_sequences import MocapSequence, MocapSequences
from ...datasets.shipped_motion import ASSET
from ...datasets.writers.egoexo4d_body import FILM, new_folder, take_name, write_egoexo4d
from ...datasets.writers.egoexo4d_view import SIDE
from ...files import atomic_write
from ...rendering.film_files import write_mp4
from .headset_cameras import FisheyeView, PinholeView
from .headset_pictures import HeadsetPictures
from .wearer import Wearer, WornMotion

FPS = 30.0
_LYING = ('backflip', 'cartwheel', 'crawl', 'getup', 'roll')  # in which arms carry the body or no floor is below
_SCENARIOS = ('cooking', 'dance', 'bike', 'music', 'covid', 'basketball', 'soccer')
_QUALITY = 92  # of JPEG


def write_egoexo4d_sample(root: str | Path, num_takes: int = 4, num_frames: int = 60, size: int = SIDE,
                         num_fisheye: int = 1, fisheye_size: int = 1408, seed: int = 0) -> Iterator[str]:
    """Write takes of a person who works with both hands, seen from the headset, and tell each once it is done.

    Trunk, head and legs move as in the embedded motion, whose performers for training and for validation stay apart;
    arms and hands move at random in front of the camera. A quarter of the takes, but one at least, is for validation,
    as many are for the test, whose templates are ``dummy_test.json`` and ``ego_pose_gt_anno_test_public.json``.

    Args:
        root: folder to make; it appears complete or not at all.
        num_takes: three or more.
        num_frames: of each take, at 30 Hz.
        size: side of the pictures in pixels; the benchmark has 512.
        num_fisheye: the first so many takes have a video of the fisheye, as the official ones are, and its calibration
            ``aria_calib_json/<take name>.json``; the videos of the others show the undistorted view.
        fisheye_size: side of these videos.
        seed: of everything.

    Yields:
        Name of a take.

    Raises:
        FileExistsError: ``root`` exists and is not empty.
        ValueError: fewer takes, more frames than there is motion for, an odd size, or a seed below 0.
    """
    if num_takes < 3:
        raise ValueError(f'{num_takes} takes: there should be 3 at least, for training, validation and test')
    if not 0 <= seed < 2 ** 31 // num_takes or num_fisheye < 0:
        raise ValueError(f'seed={seed} should be from 0 to {2 ** 31 // num_takes - 1}, num_fisheye={num_fisheye} not '
                         'negative')
    if not (16 <= size <= 4096 and size % 2 == 0 and 16 <= fisheye_size <= 4096 and fisheye_size % 2 == 0):
        raise ValueError(f'size={size}, fisheye_size={fisheye_size}: sides are even numbers of pixels from 16 to 4096')
    with new_folder(root) as folder:
        scenes, sequences = [], []
        for number, stretch in enumerate(_stretches(num_takes, num_frames, seed)):
            wearer = Wearer(num_takes * seed + number)
            motion = wearer.move(stretch)
            sequences.append(_labelled(stretch, motion))
            scenes.append((wearer, motion))
        write_egoexo4d(sequences, folder, picture_side=size)
        view, fisheye = PinholeView(size), FisheyeView(fisheye_size) if num_fisheye else None
        for number, ((wearer, motion), sequence) in enumerate(zip(scenes, sequences)):
            name, scene = take_name(sequence), HeadsetPictures(wearer, motion, wearer.seed)
            images = _kept(scene.draw(view), folder / 'image' / 'undistorted' / sequence.split / name)
            if fisheye is not None and number < num_fisheye:
                list(images)
                images = scene.draw(fisheye)
                with atomic_write(folder / 'aria_calib_json' / f'{name}.json') as file:
                    json.dump(fisheye.calibration(), file)
            write_mp4(map(upright, images), folder / 'takes' / name / FILM, FPS)
            yield name


def upright(image: np.ndarray) -> np.ndarray:
    """A picture of the landscape camera as the videos show it: turned by 90 degrees clockwise."""
    return cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE)


def _stretches(num_takes: int, num_frames: int, seed: int) -> Iterator[MocapSequence]:
    """Upright motion for each take, named after it."""
    rng = np.random.default_rng(seed)
    known: dict = dict(train=[], val=[], test=[])
    for sequence in MocapSequences.load(ASSET):
        frames = len(sequence.joints)
        if sequence.split == 'val':  # one half for each
            known['val'].append((sequence, 0, frames // 2))
            known['test'].append((sequence, frames // 2, frames))
        elif not any(word in sequence.action for word in _LYING):
            known['train'].append((sequence, 0, frames))
    held = max(num_takes // 4, 1)
    for split, count in dict(train=num_takes - 2 * held, val=held, test=held).items():
        choices = [(sequence, first, last) for sequence, first, last in known[split] if last - first >= num_frames]
        if num_frames < 1 or not choices:
            longest = max(last - first for _, first, last in known[split])
            raise ValueError(f'{num_frames} frames: there is motion for 1 to {longest} in the split {split}')
        for number in range(count):
            sequence, first, last = choices[rng.integers(len(choices))]
            start = int(rng.integers(first, last - num_frames + 1))
            rows, scenario = slice(start, start + num_frames), _SCENARIOS[number % len(_SCENARIOS)]
            name = f'rendered_{split}_{scenario}_{number:03d}'
            yield MocapSequence(name, sequence.subject, scenario, sequence.source, split, sequence.joints[rows],
                                sequence.joints_h36m[rows], sequence.head_pose[rows])


def _labelled(stretch: MocapSequence, motion: WornMotion) -> MocapSequence:
    return MocapSequence(stretch.name, stretch.subject, stretch.action, 'rendered', stretch.split, motion.joints,
                         stretch.joints_h36m, motion.T_world_camera, hands=motion.hands)


def _kept(images: Iterator[np.ndarray], folder: Path) -> Iterator[np.ndarray]:
    """The pictures, each of which is written by its number, too."""
    folder.mkdir(parents=True)
    for number, image in enumerate(images):
        picture = cv2.imencode('.jpg', image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]
        (folder / f'{number:06d}.jpg').write_bytes(picture.tobytes())  # cv2.imwrite does not tell of a full disk
        yield image
