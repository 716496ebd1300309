"""Motion capture to the official Ego-Exo4D body-pose layout."""
import argparse
import os.path as osp
import sys

sys.path.insert(0, osp.dirname(osp.dirname(osp.dirname(osp.abspath(__file__)))))  # a checkout runs its own package

from mmegopose.engine.config import user_errors


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest='command', required=True)
    cmu = commands.add_parser('cmu', help='your download of the CMU motion capture database (ASF/AMC or BVH), split by '
                                          'subject')
    cmu.add_argument('raw', metavar='RAW_DIR', help='folder with the files, at any depth')
    cmu.add_argument('out', metavar='OUT_DIR', nargs='?', help='folder to make')
    cmu.add_argument('--clips-only', metavar='OUT.npz', help='write the clips into one npz instead')
    npz = commands.add_parser('npz', help='an npz of clips')
    npz.add_argument('clips', metavar='CLIPS.npz')
    npz.add_argument('out', metavar='OUT_DIR', help='folder to make')
    sample = commands.add_parser('sample', help='the embedded sample of real motion')
    sample.add_argument('out', metavar='OUT_DIR', help='folder to make')
    wheels = commands.add_parser('wheels', help='rebuild the embedded sample from its two PyPI wheels: pip download '
                                                '--no-deps pybullet==3.2.7 holosoma-retargeting==0.1.0')
    wheels.add_argument('pybullet', metavar='PYBULLET_WHL')
    wheels.add_argument('holosoma', metavar='HOLOSOMA_WHL')
    wheels.add_argument('out', metavar='OUT.npz')
    args = parser.parse_args()
    if args.command == 'cmu' and (args.out is None) == (args.clips_only is None):
        parser.error('name either OUT_DIR or --clips-only OUT.npz')
    return args


def convert_cmu(raw_dir):
    from rich.progress import track

    from mmegopose.datasets.converters import cmu
    clips, report = cmu.convert_cmu(raw_dir, lambda names: track(names, 'reading clips', transient=True))
    for name, reason in report.skipped.items():
        print(f'skipped {name}: {reason}')
    for name, frames in report.cut.items():
        print(f'cut {name}: {frames} frames at capture glitches')
    kinds = ', '.join(f'{(clips.source == kind).sum()} {kind}' for kind in sorted(set(clips.source.tolist())))
    print(f'{len(set(clips.subjects.tolist()))} subjects, clips: {kinds}; {(~clips.exact_skeleton).sum()} on a mean '
          f'skeleton; {len(report.skipped)} skipped, {len(report.cut)} cut, {report.num_pairs} pairs for the Daz form')
    return clips


def main():
    args = parse_args()
    with user_errors():
        from mmegopose.datasets.converters import read_wheels
        from mmegopose.datasets.mocap_sequences import MocapSequences
        from mmegopose.datasets.shipped_motion import ASSET
        from mmegopose.datasets.writers.egoexo4d_body import write_egoexo4d
        if args.command == 'wheels':
            clips = read_wheels(args.pybullet, args.holosoma)
        elif args.command == 'cmu':
            clips = convert_cmu(args.raw)
        else:
            clips = MocapSequences.load(ASSET if args.command == 'sample' else args.clips)
        out = args.clips_only if args.command == 'cmu' and args.clips_only else args.out
        total = f'{len(clips)} clips, {clips.offsets[-1]} frames'
        if args.command == 'wheels' or out != args.out:
            clips.save(out)
            print(f'{total} -> {out}')
            return
        from rich.progress import track
        sample = args.command == 'sample'
        counts = write_egoexo4d(track(clips, 'writing takes', transient=True), out, test_from_val=sample,
                                test_labels=not sample)
        print(f'{total} -> {out}: ' + ', '.join(f'{count} {split} takes' for split, count in counts.items()))


if __name__ == '__main__':
    main()
