"""What the readers share: pickles without code, cameras, confidence."""
from io import BytesIO
from pathlib import Path

import numpy as np
import torch

from ....files import DAMAGE, BadFile
from ....geometry.cameras import perspective
from ....geometry.rotations import so3_exp, so3_log
from ....pickles import RefusedFile, load_pickle


def read_annotation_pickle(source: Path | bytes, where: str | None = None):
    """Plain values and arrays of a pickle, from a file or from bytes. Raises as :func:`.load_pickle`."""
    where = where or str(source)
    try:
        content = source if isinstance(source, bytes) else source.read_bytes()
    except OSError as error:
        raise BadFile(f'{where} cannot be read ({error}); copy or download it again') from None
    return load_pickle(BytesIO(content), where)


def skip_reason(error: Exception) -> str:
    """Name of what is wrong with an annotation, for the report."""
    if isinstance(error, RefusedFile):
        return 'annotation refused: a pickle that asks to run code'
    if isinstance(error, (BadFile, OSError)):
        return 'annotation cannot be read'
    return 'annotation not in the official layout'


BAD_ANNOTATION = (OSError, *DAMAGE)
"""What reading one annotation may raise; the sample is then left out."""


def project_keypoints(points: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """Keypoints ``(N,J,3)``, pixels and confidence, of points ``(N,J,3)`` in camera axes; 0 where these are behind it.

    ``intrinsics (N,3,3)`` or ``(3,3)`` have no skew.
    """
    focal = intrinsics[..., None, [0, 1], [0, 1]]
    front = points[..., 2:] > 0
    pixels = perspective(np.where(front, points, 1), focal, intrinsics[..., None, :2, 2])
    return np.concatenate([np.where(front, pixels, 0), front], -1)


def with_confidence(points: np.ndarray, confidence=1.0) -> np.ndarray:
    """Points ``(N,J,D)`` and one more channel, confidence ``(N,J)`` or a number; none where they are not finite."""
    confidence = np.broadcast_to(confidence, points.shape[:-1])[..., None]
    return np.concatenate([points, confidence], -1)


def turn_root(pose: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """Axis-angle pose ``(N,K,3)`` in axes turned by ``rotation (N,3,3)`` or ``(3,3)``: only the root changes."""
    root = torch.as_tensor(rotation, dtype=torch.float64) @ so3_exp(torch.as_tensor(pose[:, 0], dtype=torch.float64))
    return np.concatenate([so3_log(root).numpy()[:, None], pose[:, 1:]], 1)
