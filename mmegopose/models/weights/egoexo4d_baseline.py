"""Weights of the official Ego-Exo4D body-pose baseline, whose model is ``configs/head_pose/egoexo4d_baseline.py``."""
from .key_map import map_keys

_BLOCK, _OUT = r'transformer_encoder\.layers\.(\d+)\.', r'backbone.blocks.\1.'
_RULES = [(r'linear_embedding\.(.*)', r'backbone.embed.proj.\1'),
          (_BLOCK + r'self_attn\.in_proj_(.*)', _OUT + r'attn.qkv.\2'),
          (_BLOCK + r'self_attn\.out_proj\.(.*)', _OUT + r'attn.proj.\2'),
          (_BLOCK + r'linear([12]\..*)', _OUT + r'mlp.fc\2'),
          (_BLOCK + r'(norm[12]\..*)', _OUT + r'\2'),
          (r'stabilizer\.0\.(.*)', r'head.mlp.layers.0.\1'),
          (r'stabilizer\.2\.(.*)', r'head.mlp.layers.1.\1')]
_UNUSED = (r'joint_rotation_decoder\.\d\..*',)  # a second head that the official code never calls


def egoexo4d_baseline_from_official(state_dict: dict) -> dict:
    """Weights of the official baseline for the model of its config. Raises ``ValueError`` for unknown keys."""
    return map_keys(state_dict, _RULES, _UNUSED)
