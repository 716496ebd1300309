"""Window policies, registered in ``WINDOWS``: which frames of a store a sample reads."""
from .base import WindowRows, Windows
from .consecutive_windows import ConsecutiveWindows, SampleWindows
from .trailing_windows import AnnotatedWindows, StridedWindows

__all__ = ['AnnotatedWindows', 'ConsecutiveWindows', 'SampleWindows', 'StridedWindows', 'WindowRows', 'Windows']
