"""Weights of the official Ego-Exo4D body-pose baseline, whose model is ``configs/head_pose/egoexo4d_baseline.py``."""
from ...registry import OFFICIAL_WEIGHTS
from .key_map import map_keys
from .official import OfficialWeights, depth_of, shape_of

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


@OFFICIAL_WEIGHTS.register_module(name='egoexo4d_baseline')
class EgoExo4DBaselineWeights(OfficialWeights):
    """Of the Ego-Exo4D baseline."""

    pattern = r'transformer_encoder\.layers\.0\.self_attn\..*'

    def state(self, weights: dict) -> dict:
        return egoexo4d_baseline_from_official(weights)

    def config(self, weights: dict, state: dict) -> dict:
        dim, in_dim = shape_of(state, r'backbone\.embed\.proj\.weight') or (256, 3)
        hidden = (shape_of(state, r'backbone\.blocks\.0\.mlp\.fc1\.weight') or (8 * dim,))[0]
        return dict(
            type='PoseEstimator', backbone=dict(
                type='ViT', embed=dict(type='TrajectoryEmbed', in_dim=in_dim), embed_dim=dim,
                depth=depth_of(state, r'backbone\.blocks\.(\d+)\.'), num_heads=8, mlp_ratio=hidden / dim,
                norm_first=False, pos_embed=None, act='relu'),
            head=dict(type='JointHead', embed_dim=dim, hidden_dims=(dim,)))
