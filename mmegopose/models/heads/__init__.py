"""Heads: tokens ``(B,T,N,C)`` to an estimate, a dict with ``joints (B,T,J,3)``."""
from .joint_head import JointHead

__all__ = ['JointHead']
