"""Checkpoints of earlier versions of this package: what their weights are called today."""
import re
from collections import OrderedDict

import torch

# Pairs (old name, new name); a key is renamed only if that makes it one of the model.
ONE_BRANCH = ((r'^branches\.main\.', ''),)
PARTS = (
    (r'\bmlp\.layers\.0\.', 'mlp.fc1.'), (r'\bmlp\.layers\.1\.', 'mlp.fc2.'),  # blocks
    (r'\bpatch_embed\.', 'embed.'), (r'\blast_norm\.', 'norm.'),  # image transformers
)
MERGED = (('.self_attn.q.', '.self_attn.qkv.'), ('.self_attn.kv.', '.self_attn.qkv.'))  # in this order, end to end


def rename_old_keys(state_dict: dict, own) -> tuple[OrderedDict, list]:
    """A state dict under the names of today, and the pairs ``(old, new)`` that were renamed.

    Args:
        state_dict: ``{key: tensor}``; keys that the model has stay as they are.
        own: keys of the model.
    """
    renamed, pairs = OrderedDict(), []
    for key, value in state_dict.items():
        new = _current(key, own)
        if new != key:
            pairs.append((key, new))
        renamed[new] = torch.cat([renamed[new], value]) if new in renamed else value
    return renamed, pairs


def _current(key: str, own) -> str:
    if key in own:
        return key
    for rules in (ONE_BRANCH + PARTS, PARTS, ONE_BRANCH):  # a branch of several may be called main
        new = key
        for pattern, replacement in rules:
            new = re.sub(pattern, replacement, new)
        for part, whole in (('', ''), *MERGED):
            if part in new and new.replace(part, whole) in own:
                return new.replace(part, whole)
    return key
