"""Is this how a head moves? Tests of every imported track, and a measure of how well they work."""
from .head_motion import sample_motion, travel
from .plausibility import DOUBTS, Problem, find_problems
from .posture import likely_conventions, posture, reorder_quaternions

__all__ = ['DOUBTS', 'Problem', 'find_problems', 'likely_conventions', 'posture', 'reorder_quaternions',
           'sample_motion', 'travel']
