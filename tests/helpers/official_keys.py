"""Keys and shapes of full-size official checkpoints."""
import re
from pathlib import Path

import torch

DATA = Path(__file__).parents[1] / 'data'


def official_keys(title: str, prefix: str = '', blocks: int = 32) -> dict:
    """Empty tensors under the keys of a full-size official checkpoint, from one section of the table."""
    text = (DATA / 'extpose_statedict_keys.txt').read_text()
    section = next(part for part in text.split('## ') if part.startswith(title))
    keys = {}
    for key, shape in re.findall(r'^([\w.]+)\t\[([\d, ]*)\]$', section, re.M):
        value = torch.empty([int(n) for n in shape.split(',')], device='meta')
        for i in range(blocks if '.0.' in key else 1):
            keys[prefix + key.replace('.0.', f'.{i}.', 1)] = value
    return keys
