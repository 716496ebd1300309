"""Both pose tasks of Ego-Exo4D with one model each: official tables, submission files, one page."""
from .egoexo4d_run import run_egoexo4d_benchmark

__all__ = ['run_egoexo4d_benchmark']
