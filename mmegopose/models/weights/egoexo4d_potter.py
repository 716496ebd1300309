"""What the hand baseline of Ego-Exo4D normalises joints with, read from the official file."""
import ast
from pathlib import Path

import torch
from torch import Tensor

from ...files import DAMAGE, BadFile, require

NAMES = ('joint_mean', 'joint_std')
MAX_SOURCE = 1 << 20


def read_joint_statistics(path: str | Path) -> tuple[Tensor, Tensor]:
    """Mean and deviation of the joints from the wrist, ``(21,3)`` metres each.

    They stand as lists of numbers, in millimetres, in ``handpose/models/POTTER/dataset/ego4d_dataset.py`` of
    https://github.com/EGO4D/ego-exo4d-egopose: ``self.joint_mean = np.array([[...], ...])`` and ``self.joint_std``. The
    file is parsed, and nothing of it is run.

    Raises:
        FileNotFoundError: the file is not there.
        BadFile: it is too large, no Python, or does not hold them as plain numbers.
    """
    path = require(path, 'it should be handpose/models/POTTER/dataset/ego4d_dataset.py of '
                         'https://github.com/EGO4D/ego-exo4d-egopose, of which the head takes its normalisation')
    if path.stat().st_size > MAX_SOURCE:
        raise BadFile(f'{path} is larger than the official file can be')
    try:
        tree = ast.parse(path.read_bytes())
    except DAMAGE as error:
        raise BadFile(f'{path} is no Python file ({error}); copy it again') from None
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(target := node.targets[0], ast.Attribute) and \
                target.attr in NAMES and isinstance(node.value, ast.Call) and node.value.args:
            found[target.attr] = _numbers(node.value.args[0])
    if wrong := [name for name in NAMES if found.get(name) is None]:
        raise BadFile(f'{path} should assign {wrong} as np.array of 21 x 3 numbers; is it ego4d_dataset.py?')
    mean, deviation = (found[name] / 1000 for name in NAMES)
    return mean, deviation


def _numbers(node: ast.expr) -> Tensor | None:
    """``(21,3)`` of a list display; None if it is none."""
    try:
        values = torch.tensor(ast.literal_eval(node), dtype=torch.float64)
    except DAMAGE:
        return None
    return values.float() if values.shape == (21, 3) and values.isfinite().all() else None
