"""Many rows of numbers as text, fast and in little memory."""
from collections.abc import Iterator

import numpy as np

ROWS = 4096  # at once


def text_rows(values: np.ndarray, row_format: str) -> Iterator[str]:
    """Rows of ``values (T,K)`` by a format of K numbers, which ends with a line break; some thousand at once.

    What is not finite reads ``nan``.
    """
    for start in range(0, len(values), ROWS):
        part = np.asarray(values[start:start + ROWS], np.float64)
        part = np.where(np.isfinite(part), part, np.nan)
        yield row_format * len(part) % tuple(part.ravel().tolist())
