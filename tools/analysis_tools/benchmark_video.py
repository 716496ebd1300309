"""Frames a second of films on one core, drawn alone and written as MP4 and GIF, at 640x480.

The motion is the embedded sample of real motion, with a truth 5 cm beside it and a head track. Times are those of the
processor, so that a busy machine does not slow them much.
"""
import argparse
import os
import os.path as osp
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault('OMP_NUM_THREADS', '1')
sys.path.insert(0, osp.dirname(osp.dirname(osp.dirname(osp.abspath(__file__)))))  # a checkout runs its own package

import cv2
import numpy as np

from mmegopose.body_models import read_body_model
from mmegopose.datasets.mocap_sequences import FPS, MocapSequences
from mmegopose.datasets.shipped_motion import ASSET
from mmegopose.motion import Mesh, Motion
from mmegopose.visualization import write_video
from mmegopose.visualization.films import MotionPictures

GOAL = 60  # frames a second
SIZE = 640, 480


def sample(num_frames: int, shift: tuple = (0, 0, 0)) -> tuple[Motion, Motion]:
    """A motion of the sample and its truth."""
    longest = max(MocapSequences.load(ASSET), key=lambda item: len(item.joints))
    rows = np.arange(num_frames) % len(longest.joints)
    time_of, joints = np.arange(num_frames) / FPS, longest.joints[rows] + np.float32(shift)
    return (Motion(time_of, joints + np.float32([0.03, 0.04, 0]), 'coco17', head_pose=longest.head_pose[rows]),
            Motion(time_of, joints, 'coco17'))


def hand(num_frames: int) -> Motion:
    """A hand with a mesh that moves up and down."""
    body = read_body_model('open_hand')
    vertices = np.float32(body.v_template) + 0.02 * np.sin(np.arange(num_frames) / 9).astype(np.float32)[:, None, None]
    joints = vertices[:, np.linspace(0, len(body.v_template) - 1, 21).astype(int)]
    return Motion(np.arange(num_frames) / FPS, joints, 'hand21', frame='camera', mesh=Mesh(vertices, body.f))


def seconds(work) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


def measure(num_frames: int) -> dict:
    """``{case: {'draw' | 'mp4' | 'gif': frames a second}}``."""
    motion, truth = sample(num_frames)
    crowd = [sample(num_frames, (k, 0, 0))[0] for k in range(4)]
    cases = {'one person, truth, head track': ([motion], [truth], 0.0),
             'the same, view turns': ([motion], [truth], 10.0),
             'four people': (crowd, [None] * 4, 0.0), 'a hand with a mesh': ([hand(num_frames).upright()], [None], 0.0)}
    result: dict = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (motions, truths, turn) in cases.items():
            def draw(motions=motions, truths=truths, turn=turn):
                for _ in MotionPictures(motions, truths, motions[0].time, FPS, SIZE, turn):
                    pass
            rates = {'draw': num_frames / seconds(draw)}
            for ending in ('mp4', 'gif'):
                path = Path(folder, f'film.{ending}')
                options = dict(truth=truths, turn=turn, fps=25.0, progress=False)
                shown = int(motions[0].duration * 25 + 1e-6) + 1
                rates[ending] = shown / seconds(lambda: write_video(motions, path, **options))  # noqa: B023
            result[name] = rates
    return result


def main(argv=None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--num-frames', type=int, default=300)
    args = parser.parse_args(argv)
    if args.num_frames < 2:
        parser.error(f'--num-frames {args.num_frames} should be at least 2')
    cv2.setNumThreads(1)
    print(f'{SIZE[0]}x{SIZE[1]}, {args.num_frames} frames, one thread, frames a second (goal {GOAL})')
    print(f'{"":34}{"draw":>8}{"mp4":>8}{"gif":>8}')
    for name, rates in measure(args.num_frames).items():
        print(f'{name:34}' + ''.join(f'{rate:8.0f}' for rate in rates.values()), flush=True)


if __name__ == '__main__':
    main()
