"""The open benchmark: motion capture that anybody has, three tasks, one table and one page.

``rows`` says what is compared, ``motions`` gets the data ready, ``evaluating`` scores a row, ``stored`` keeps its
result, ``score_tables`` and ``report`` show all of them, ``running`` brings these together for ``mmegopose benchmark
open``.
"""
from .rows import BenchmarkRow, default_rows, read_rows
from .running import run_open_benchmark

__all__ = ['BenchmarkRow', 'default_rows', 'read_rows', 'run_open_benchmark']
