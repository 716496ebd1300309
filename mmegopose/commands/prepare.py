"""Prepare a data set: from the files that its authors release to those that the readers read.

egoexo4d-hand: the hand-pose data of Ego-Exo4D as the official tool prepares it: calibration of the glasses, labels that
pass its checks, and undistorted frames. It goes on where it stopped, and tells what each check removed.
Exit status: 0 prepared, 1 with some takes left out or frames that could not be had, 2 nothing could be done.

Examples:
    mmegopose prepare egoexo4d-hand --root data/egoexo4d --out data/egoexo4d_hand --splits train val --workers 8
    mmegopose prepare egoexo4d-hand --root data/egoexo4d --out data/egoexo4d_hand --anno-types manual auto
    mmegopose prepare egoexo4d-hand --root data/egoexo4d --out data/egoexo4d_hand --template test_public.json
"""


def prepare_arguments(parser) -> None:
    parser.add_argument('data_set', choices=['egoexo4d-hand'], help='what to prepare')
    parser.add_argument('--root', required=True, metavar='DIR',
                        help='the release: takes.json, annotations/, and takes/ with the recordings and calibrations')
    parser.add_argument('--out', required=True, metavar='DIR', help='folder to fill, or to go on with')
    parser.add_argument('--splits', nargs='+', choices=['train', 'val', 'test'], default=['train', 'val', 'test'])
    parser.add_argument('--anno-types', nargs='+', choices=['manual', 'auto'], default=['manual'],
                        help='labels by people, or automatic ones')
    parser.add_argument('--workers', type=int, metavar='N', help='processes; default: one a processor core')
    parser.add_argument('--template', metavar='FILE',
                        help='ego_pose_gt_anno_test_public.json, for the test split: in handpose/data_preparation of '
                             'the official repository, or at the root of a rendered sample')
    parser.add_argument('--portrait-view', action='store_true', help='pictures and keypoints stand upright')
    parser.add_argument('--labels-only', action='store_true', help='no pictures')
    parser.add_argument('--valid-kpts-num-thresh', type=int, default=10, metavar='N',
                        help='joints that a hand keeps, or it is left out (default: 10)')
    parser.add_argument('--bbox-padding', type=float, default=20, metavar='PIXELS',
                        help='around the joints of training and validation (default: 20)')
    parser.add_argument('--reproj-error-threshold', type=float, default=30, metavar='PIXELS',
                        help='between a joint and its label in the picture (default: 30)')
    parser.add_argument('--seed', type=int, default=0, help='of the boxes of a test split with labels (default: 0)')


def prepare_command(args) -> int:
    from ..datasets.converters.egoexo4d_hand import available_cores, prepare_hands
    from ..datasets.converters.egoexo4d_hand_filters import HandRules
    from ..errors import user_errors
    with user_errors():
        if args.workers is not None and args.workers < 1:
            raise ValueError(f'--workers {args.workers} should be at least 1')
        rules = HandRules(min_joints=args.valid_kpts_num_thresh, box_padding=args.bbox_padding,
                          max_reprojection=args.reproj_error_threshold, portrait=args.portrait_view, seed=args.seed)
        result = prepare_hands(args.root, args.out, args.splits, args.anno_types, rules,
                               args.workers or available_cores(), args.template, not args.labels_only)
        for line in result.lines():
            print(line)
        for file in result.files:
            print(f'wrote {file}')
        print(f'all of it is in {args.out}/preparation.json')
    return 1 if result.problems else 0
