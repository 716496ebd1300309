"""Check a submission of body or hand poses, and score it where the truth is at hand.

Compares the file of `mmegopose test --submit` with the template of the Ego-Exo4D challenge, which tells whether it is
the one of bodies or of hands, and prints every problem.
Exit status: 0 fit to be submitted, 1 problems found, 2 a file cannot be read.

Examples:
    mmegopose submit body.json --template dummy_test.json --data-root data/egoexo4d
    mmegopose submit body.json --template dummy_test.json --ground-truth private_test_gt.json
    mmegopose submit body.json --template dummy_test.json --ground-truth private_test_gt.json --no-clip-filter
    mmegopose submit hands.json --template ego_pose_gt_anno_test_public.json
    mmegopose submit val.json --template anno_val_public.json --ground-truth anno_val_public.json --offset
"""
import sys
from collections.abc import Iterator


def submit_arguments(parser) -> None:
    parser.add_argument('file', help='submission JSON')
    parser.add_argument('--template', required=True, metavar='FILE',
                        help='template of the challenge: dummy_test.json (bodies), ego_pose_gt_anno_test_public.json '
                             '(hands), or an annotation file of hands')
    parser.add_argument('--data-root', metavar='DIR',
                        help='Ego-Exo4D root; joints of bodies are then checked against the headset positions')
    parser.add_argument('--ground-truth', metavar='FILE', help='ground truth JSON to score a valid submission against')
    parser.add_argument('--no-clip-filter', action='store_true',
                        help='score bodies also in clips of less than four seconds, which the official score leaves '
                             'out')
    parser.add_argument('--offset', action='store_true',
                        help='hands are relative to the wrist, to which that of the truth is added before scoring')


def submit_command(args) -> int:
    from ..evaluation.submissions import is_hand_file
    from ..files import read_json, require
    try:
        for name, path in (('the submission', args.file), ('--template', args.template),
                           ('--ground-truth', args.ground_truth)):
            if path is not None:
                require(path, f'{name} should be a JSON file. mmegopose test --submit FILE writes a submission; '
                              'the templates and the ground truth come with the data of the challenges')
        hands = is_hand_file(read_json(args.template, twice=[]))
        checked, problems, truth, notes = _check_hands(args) if hands else _check_bodies(args)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    for problem in problems:
        print(problem)
    if problems:
        print(f'{args.file}: {len(problems)} problems')
        return 1
    print(f'{args.file}: {checked}, fit to be submitted')
    if truth is not None:
        try:
            metrics = truth()
        except ValueError as error:
            print(f'{args.ground_truth}: {error}', file=sys.stderr)
            return 2
        for note in notes:
            print(note)
        for name, value in metrics.items():
            print(f'{name:32}{value:10.4f}')
    return 0


def _check_bodies(args) -> tuple:
    """What was checked, the problems, what scores it or None, and lines to be printed before the score."""
    from ..evaluation.submissions import (
        read_headset_positions,
        read_submission,
        score_submission,
        validate_submission,
    )
    if args.offset:
        raise ValueError('--offset is for hands; poses of bodies are in the world')
    if args.no_clip_filter and not args.ground_truth:
        raise ValueError('--no-clip-filter is of the score, which needs --ground-truth')
    submission, template = read_submission(args.file), read_submission(args.template)
    cameras = read_headset_positions(args.data_root, list(template)) if args.data_root else None
    truth = read_submission(args.ground_truth) if args.ground_truth else None
    frames = sum(len(take['body']) for take in submission.values())
    return (f'{frames} poses of {len(submission)} takes', validate_submission(submission, template, cameras),
            truth and (lambda: score_submission(submission, truth, not args.no_clip_filter)), [])


def _check_hands(args) -> tuple:
    """As :func:`_check_bodies`."""
    from ..evaluation.submissions import read_hand_poses, score_hand_poses, validate_hand_poses, wanted_hands
    if args.data_root:
        raise ValueError('--data-root is for bodies; hands are in the axes of the camera')
    submission, template = read_hand_poses(args.file), read_hand_poses(args.template)
    if args.no_clip_filter:
        raise ValueError('--no-clip-filter is for bodies; hands are scored in every frame')
    truth = read_hand_poses(args.ground_truth) if args.ground_truth else None
    count = len(list(wanted_hands(template)))
    return (f'{count} hands of {len(submission)} takes', validate_hand_poses(submission, template),
            truth and (lambda: score_hand_poses(submission, truth, args.offset)),
            _hand_notes(submission, args.offset))


def _hand_notes(submission: dict, offset: bool) -> Iterator[str]:
    from ..evaluation.submissions import from_wrist
    yield f'in millimetres; hands were taken as told from the {"wrist" if offset else "camera"}'
    if not offset and from_wrist(submission):
        yield ('the wrists of this file lie at the origin: score it with --offset if it tells hands from the wrist, as '
               'the files of mmegopose test --submit do')
