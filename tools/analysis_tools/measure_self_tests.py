"""How well the self-tests of head tracks tell wrong tracks from right ones: mistakes planted in motion capture.

    python tools/analysis_tools/measure_self_tests.py [cmu_ego.npz]

Prints for each mistake the share of clips in which it is caught and in which its kind is named: for the clips as they
are, whose world has its origin on the floor, and as a headset without a room would give them, with the origin at the
first pose and any heading. Without a file the embedded sample is taken.
"""
import argparse

import numpy as np

from mmegopose.datasets.mocap_sequences import MocapSequences
from mmegopose.datasets.shipped_motion import ASSET
from mmegopose.inference.inputs.head_tracks.self_tests.planted_mistakes import measure, restarted


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('clips', nargs='?', default=str(ASSET), help='npz of clips that mocap.py writes')
    clips = MocapSequences.load(parser.parse_args().clips)
    tracks = [(np.arange(len(clip.head_pose)) / float(clips.fps), np.asarray(clip.head_pose, float)) for clip in clips]
    plain, moved = measure(tracks), measure(restarted(tracks))
    print(f'{len(tracks)} clips                     as they are        origin at the first pose')
    print('mistake                       caught    named      caught    named')
    for name, row in plain.items():
        print(f'{name:28s} {row["caught"]:7.3f}  {row["named"]:7.3f}     {moved[name]["caught"]:7.3f}  '
              f'{moved[name]["named"]:7.3f}')


if __name__ == '__main__':
    main()
