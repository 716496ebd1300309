"""Write a small rendered data set in the official layout of Ego-Exo4D, with videos, to try everything on.

A person with a headset works with both hands in a room. There are labels of body and hands, videos, undistorted
pictures and the templates of both challenges; training, validation and test are apart. Nothing is downloaded. Exit
status: 0 written, 2 a mistake, 130 stopped, and nothing is left.

Examples:
    mmegopose synthesize --out data/rendered
    mmegopose synthesize --out data/rendered_many --takes 24 --frames 120
"""
import sys

from ..files import require_new_folder


def synthesize_arguments(parser) -> None:
    parser.add_argument('--out', required=True, metavar='DIR', help='folder to make')
    parser.add_argument('--takes', type=int, default=4, metavar='N',
                        help='how many; a quarter each are for validation and test; default: %(default)s')
    parser.add_argument('--frames', type=int, default=60, metavar='N',
                        help='of each take, at 30 Hz; the official score needs 118; default: %(default)s')
    parser.add_argument('--size', type=int, default=512, metavar='PIXELS', help='of the pictures; default: %(default)s')
    parser.add_argument('--fisheye', type=int, default=1, metavar='N',
                        help='so many takes have a video of the fisheye, 1408 pixels wide, and its calibration; the '
                             'videos of the others show the undistorted view; default: %(default)s')
    parser.add_argument('--seed', type=int, default=0, metavar='N', help='of everything; default: %(default)s')


def synthesize_command(args) -> None:
    try:
        require_new_folder(args.out)  # said before torch is loaded, which takes seconds
    except (ValueError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
        sys.exit(2)
    from ..errors import user_errors
    from ..synthesis.egocentric import write_egoexo4d_sample
    with user_errors():
        takes = write_egoexo4d_sample(args.out, args.takes, args.frames, args.size, args.fisheye, seed=args.seed)
        for number, name in enumerate(takes, 1):
            print(f'{number}/{args.takes} {name}', flush=True)
        print(f'Takes, labels, videos and pictures: {args.out}')
