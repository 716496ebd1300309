"""Window policies, registered in ``WINDOWS``: which frames of a store a sample reads."""
from .base import WindowRows, Windows
from .consecutive_windows import ConsecutiveWindows, SampleWindows
from .lifting_windows import DelayedWindows, MixSTEWindows, MotionBERTWindows, OverlapWindows, STCFormerWindows
from .trailing_windows import AnnotatedWindows, StridedWindows

__all__ = ['AnnotatedWindows', 'ConsecutiveWindows', 'DelayedWindows', 'MixSTEWindows', 'MotionBERTWindows',
           'OverlapWindows', 'STCFormerWindows', 'SampleWindows', 'StridedWindows', 'WindowRows', 'Windows']
