"""Weights of other origins: official checkpoints, a file for each code base, and earlier versions of this package."""
from . import egoexo4d_baseline, hamer, mae, mixste, motionbert, stcformer, vitpose
from .key_map import map_keys, unwrap
from .official import OfficialWeights, recognize

__all__ = ['OfficialWeights', 'egoexo4d_baseline', 'hamer', 'mae', 'map_keys', 'mixste', 'motionbert', 'recognize',
           'stcformer', 'unwrap', 'vitpose']
