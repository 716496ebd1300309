"""Checkpoints of other code bases: rename keys by rules, strictly."""
import re

WRAPPERS = ('state_dict', 'params', 'model_pos', 'model')


def unwrap(checkpoint: dict) -> dict:
    """The state dict in a checkpoint: without the ``WRAPPERS`` around it and the prefix ``module.`` of its keys.

    Raises ``ValueError`` if there is no dict.
    """
    for wrapper in WRAPPERS:
        if isinstance(checkpoint, dict):
            checkpoint = checkpoint.get(wrapper, checkpoint)
    if not isinstance(checkpoint, dict):
        raise ValueError(f'a checkpoint should be a dict of weights, got {type(checkpoint).__name__}')
    return {str(key).removeprefix('module.'): value for key, value in checkpoint.items()}


def map_keys(state_dict: dict, rules: list, ignore: tuple = (), strict: bool = True) -> dict:
    """Rename every key of ``state_dict`` by the first rule that matches it whole.

    Args:
        state_dict: ``{key: tensor}``, also wrapped, see :func:`unwrap`.
        rules: pairs ``(pattern, replacement)`` of regular expressions.
        ignore: patterns of keys that are known to have no use.
        strict: refuse keys that neither a rule nor ``ignore`` covers; otherwise they keep their names.

    Raises:
        ValueError: the keys that are refused, listed.
    """
    mapped, unknown = {}, []
    for key, value in unwrap(state_dict).items():
        for pattern, replacement in rules:
            if re.fullmatch(pattern, key):
                mapped[re.sub(pattern, replacement, key)] = value
                break
        else:
            if not any(re.fullmatch(pattern, key) for pattern in ignore):
                mapped[key] = value
                unknown.append(key)
    if unknown and strict:
        raise ValueError(f'{len(unknown)} keys are not of this model: {unknown[:6]}')
    return mapped
