"""Body models: one linear-blend-skinning layer for the open hand and body and for the user's MANO and SMPL files."""
from .body_arrays import OPEN_MODELS, BodyArrays, read_body_model
from .body_pickles import read_pickle
from .skinning import SkinnedModel

__all__ = ['OPEN_MODELS', 'BodyArrays', 'SkinnedModel', 'read_body_model', 'read_pickle']
