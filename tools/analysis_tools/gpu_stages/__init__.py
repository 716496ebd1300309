"""Stages of ``gpu_report.py``, each a function ``(found, args)`` that adds rows to what is ``found``."""
from .run import run_report, run_stage
from .stages import STAGES

__all__ = ['STAGES', 'run_report', 'run_stage']
