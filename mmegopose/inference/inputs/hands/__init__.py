"""Hands and wrists that were recorded beside a head track."""
from .controllers import read_controllers
from .hand_predictions import read_hand_predictions, write_hand_predictions
from .hand_track import HandTrack
from .mps_hands import read_mps_hands
from .wrist_sources import read_wrists, recorded_wrists

__all__ = ['HandTrack', 'read_controllers', 'read_hand_predictions', 'read_mps_hands', 'read_wrists', 'recorded_wrists',
           'write_hand_predictions']
