"""How each benchmark scores, one file per benchmark: pure functions and tables, no files, no processes.

Every file turns arrays of one sequence or of one pose into a small score, pools scores, names the results in the units
that the benchmark prints, and formats its table. The metrics of :mod:`mmegopose.evaluation.metrics` collect the
predictions of a run and call these.
"""
