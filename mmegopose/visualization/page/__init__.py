"""A page that shows motions: one HTML file with everything in it, which opens from a disk, without a network.

``page.py`` writes it; its looks and its program are ``assets/viewer``: readable, no build step, no library.
"""
from .page import write_page

__all__ = ['write_page']
