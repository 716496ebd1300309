"""Numbers from outside: what is not there is NaN, what is no number is refused."""
import numpy as np


def as_floats(values) -> np.ndarray:
    """Numbers from outside, float64: what is masked or None is NaN, and so is a whole frame of a list that is empty.

    Raises ``ValueError`` for text, truth values, lists of several lengths, and numbers too large for float64.
    """
    if hasattr(values, 'detach'):  # a tensor
        values = values.detach().cpu().numpy()
    if isinstance(values, np.ma.MaskedArray):
        values = np.ma.filled(values.astype(float), np.nan)
    if isinstance(values, (list, tuple)) and any(_needs_care(value) for value in values):
        parts = [None if value is None or _is_empty(value) else as_floats(value) for value in values]
        shape = next((part.shape for part in parts if part is not None), ())
        return np.stack([np.full(shape, np.nan) if part is None else part for part in parts])
    array = values if isinstance(values, np.ndarray) else np.array(values, dtype=object)
    if array.dtype.kind not in 'iufO':
        raise ValueError(f'{array.dtype} are no numbers')
    if array.dtype.kind == 'O' and (odd := {bool, np.bool_, str} & set(map(type, array.ravel()))):
        raise ValueError(f'{odd.pop().__name__} is no number')
    try:
        return array.astype(float)
    except (TypeError, OverflowError) as error:
        raise ValueError(str(error)) from None


def _needs_care(value) -> bool:
    """Whether numpy would not take an entry of a list for what it is."""
    return value is None or hasattr(value, 'detach') or isinstance(value, np.ma.MaskedArray) or _is_empty(value)


def _is_empty(value) -> bool:
    return value.size == 0 if isinstance(value, np.ndarray) else isinstance(value, (list, tuple)) and not value
