"""Files that the servers of challenges take: write, read, check, and score offline where the truth is at hand.

Writing never loses predictions: what is wrong with a file is told after it was written. A check returns one line per
problem, and an empty list for a file that is fit to be submitted.
"""
from .egoexo4d_body_file import (
    read_headset_positions,
    read_submission,
    score_submission,
    validate_submission,
    write_submission,
)
from .egoexo4d_hand_file import (
    from_wrist,
    is_hand_file,
    read_hand_poses,
    score_hand_poses,
    validate_hand_poses,
    wanted_hands,
    write_hand_poses,
)
from .hand_file import (
    CHALLENGES,
    HandChallenge,
    get_challenge,
    read_hand_submission,
    validate_hand_submission,
    write_hand_submission,
)

__all__ = ['CHALLENGES', 'HandChallenge', 'from_wrist', 'get_challenge', 'is_hand_file', 'read_hand_poses',
           'read_hand_submission', 'read_headset_positions', 'read_submission', 'score_hand_poses', 'score_submission',
           'validate_hand_poses', 'validate_hand_submission', 'validate_submission', 'wanted_hands',
           'write_hand_poses', 'write_hand_submission', 'write_submission']
