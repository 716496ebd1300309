"""Check a body pose submission, and score it where the truth is at hand.

Compares the file of `mmegopose test --submit` with the template of the Ego-Exo4D challenge and prints every problem.
Exit status: 0 fit to be submitted, 1 problems found, 2 a file cannot be read.

Examples:
    mmegopose submit body.json --template dummy_test.json --data-root data/egoexo4d
    mmegopose submit body.json --template dummy_test.json --ground-truth private_test_gt.json
"""
import sys


def submit_arguments(parser) -> None:
    parser.add_argument('file', help='submission JSON')
    parser.add_argument('--template', required=True, metavar='FILE',
                        help='template of the challenge (dummy_test.json)')
    parser.add_argument('--data-root', metavar='DIR',
                        help='Ego-Exo4D root; joints are then checked against the headset positions')
    parser.add_argument('--ground-truth', metavar='FILE', help='ground truth JSON to score a valid submission against')


def submit_command(args) -> int:
    from ..evaluation.submissions import (
        read_headset_positions,
        read_submission,
        score_submission,
        validate_submission,
    )
    from ..files import require
    try:
        for name, path in (('the submission', args.file), ('--template', args.template),
                           ('--ground-truth', args.ground_truth)):
            if path is not None:
                require(path, f'{name} should be a JSON file. mmegopose test --submit FILE writes a submission; '
                              "the template (dummy_test.json) and the ground truth come with the challenge's data")
        submission, template = read_submission(args.file), read_submission(args.template)
        cameras = read_headset_positions(args.data_root, list(template)) if args.data_root else None
        truth = read_submission(args.ground_truth) if args.ground_truth else None
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    problems = validate_submission(submission, template, cameras)
    for problem in problems:
        print(problem)
    if problems:
        print(f'{args.file}: {len(problems)} problems')
        return 1
    frames = sum(len(take['body']) for take in submission.values())
    print(f'{args.file}: {frames} poses of {len(submission)} takes, fit to be submitted')
    if truth is not None:
        try:
            metrics = score_submission(submission, truth)
        except ValueError as error:
            print(f'{args.ground_truth}: {error}', file=sys.stderr)
            return 2
        for name, value in metrics.items():
            print(f'{name:32}{value:10.4f}')
    return 0
