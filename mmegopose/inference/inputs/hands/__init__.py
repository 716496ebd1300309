"""Hands and wrists that were recorded beside a head track."""
from .controllers import read_controllers
from .hand_track import HandTrack
from .mps_hands import read_mps_hands

__all__ = ['HandTrack', 'read_controllers', 'read_mps_hands']
