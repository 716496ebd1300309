"""Check a body pose submission against the challenge's template, and score it where the truth is at hand.

The same as ``mmegopose submit``.
"""
import sys
from pathlib import Path

<<<<<<< HEAD
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmegopose.evaluation.submissions import (
    read_headset_positions,
    read_submission,
    score_submission,
    validate_submission,
)
from mmegopose.files import require


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    parser.add_argument('file', help='submission JSON')
    parser.add_argument('--template', required=True, help='template of the challenge (dummy_test.json)')
    parser.add_argument('--data-root', help='Ego-Exo4D root; joints are then checked against the headset positions')
    parser.add_argument('--ground-truth', help='ground truth JSON to score a valid submission against')
    return parser.parse_args(argv)


def main(argv=None) -> int:
    args = parse_args(argv)
    try:
        for name, path in (('the submission', args.file), ('--template', args.template),
                           ('--ground-truth', args.ground_truth)):
            if path is not None:
                require(path, f'{name} should be a JSON file. tools/test.py --submit FILE writes a submission; '
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
=======
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a checkout runs its own package
>>>>>>> c819adb (One command, mmegopose train, test, submit and doctor, from any folder)

from mmegopose.cli import main

if __name__ == '__main__':
    sys.exit(main(['submit', *sys.argv[1:]]))
