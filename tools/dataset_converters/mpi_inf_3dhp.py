"""The official files of MPI-INF-3DHP to data_train_3dhp.npz and data_test_3dhp.npz, as P-STMO and later papers use."""
import argparse
import os.path as osp
import sys

sys.path.insert(0, osp.dirname(osp.dirname(osp.dirname(osp.abspath(__file__)))))  # a checkout runs its own package

from mmegopose.engine.config import user_errors


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('raw', metavar='RAW_DIR', help='folder of S1/Seq1/annot.mat ... and TS1/annot_data.mat ..., '
                                                       'or up to two folders above them')
    parser.add_argument('out', metavar='OUT_DIR', help='folder of the two npz files')
    parser.add_argument('--split', choices=['train', 'test', 'both'], default='both')
    parser.add_argument('--sequences', nargs='+', metavar='NAME',
                        help="convert these alone, e.g. S1/Seq1 TS2; default: all")
    return parser.parse_args()


def main():
    args = parse_args()
    with user_errors():
        from rich.progress import track

        from mmegopose.datasets.converters import mpi_inf_3dhp as official
        from mmegopose.pickles import write_object
        train = [f'{subject}/{sequence}' for subject in official.SUBJECTS for sequence in official.SEQUENCES]
        plan = dict(train=(train, 'annot.mat', official.read_train),
                    test=(official.TEST_SEQUENCES, 'annot_data.mat', official.read_test))
        if unknown := set(args.sequences or ()) - {*train, *official.TEST_SEQUENCES}:
            raise ValueError(f'unknown sequences {sorted(unknown)}; known: {[*train, *official.TEST_SEQUENCES]}')
        jobs = []
        for split in plan if args.split == 'both' else [args.split]:
            names, filename, read = plan[split]
            chosen = [name for name in names if not args.sequences or name in args.sequences]
            if chosen:
                jobs.append((split, official.find_files(args.raw, chosen, filename), read))
        if not jobs:
            raise ValueError(f'none of the sequences {args.sequences} is in split {args.split!r}')
        for split, files, read in jobs:
            out = osp.join(args.out, f'data_{split}_3dhp.npz')
            write_object(out, 'data', track(read(files), f'reading {split} sequences', len(files), transient=True))
            print(f'{len(files)} sequences -> {out}')


if __name__ == '__main__':
    main()
