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
