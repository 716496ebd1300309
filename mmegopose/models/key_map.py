"""Checkpoints of other code bases: rename keys by rules, strictly."""
import re


def map_keys(state_dict: dict, rules: list, ignore: tuple = ()) -> dict:
    """Rename every key of ``state_dict`` by the first rule that matches it whole.

    Args:
        state_dict: ``{key: tensor}``; wrappers ``module.``, ``state_dict``, ``params`` and ``model_pos`` are removed.
        rules: pairs ``(pattern, replacement)`` of regular expressions.
        ignore: patterns of keys that are known to have no use.

    Raises:
        ValueError: keys that neither a rule nor ``ignore`` covers, listed.
    """
    for wrapper in ('state_dict', 'params', 'model_pos'):
        state_dict = state_dict.get(wrapper, state_dict)
    mapped, unknown = {}, []
    for key, value in state_dict.items():
        key = key.removeprefix('module.')
        for pattern, replacement in rules:
            if re.fullmatch(pattern, key):
                mapped[re.sub(pattern, replacement, key)] = value
                break
        else:
            if not any(re.fullmatch(pattern, key) for pattern in ignore):
                unknown.append(key)
    if unknown:
        raise ValueError(f'{len(unknown)} keys are not of this model: {unknown[:6]}')
    return mapped


_BLOCK, _OUT = r'transformer_encoder\.layers\.(\d+)\.', r'branches.main.backbone.blocks.\1.'
# Official Ego-Exo4D body-pose baseline -> configs/egoexo4d_baseline.py. Its second head is never used.
EGOEXO4D_BASELINE = dict(
    rules=[
        (r'linear_embedding\.(.*)', r'branches.main.backbone.embed.proj.\1'),
        (_BLOCK + r'self_attn\.in_proj_(.*)', _OUT + r'attn.qkv.\2'),
        (_BLOCK + r'self_attn\.out_proj\.(.*)', _OUT + r'attn.proj.\2'),
        (_BLOCK + r'linear1\.(.*)', _OUT + r'mlp.layers.0.\2'),
        (_BLOCK + r'linear2\.(.*)', _OUT + r'mlp.layers.1.\2'),
        (_BLOCK + r'(norm[12]\..*)', _OUT + r'\2'),
        (r'stabilizer\.0\.(.*)', r'head.mlp.layers.0.\1'),
        (r'stabilizer\.2\.(.*)', r'head.mlp.layers.1.\1'),
    ],
    ignore=(r'joint_rotation_decoder\.\d\..*',))
