"""Readers of images of hands and bodies, registered in ``READERS``: ``(data_root, ...) -> SequenceStore``, cached."""
from .coco_wholebody import read_coco_wholebody_hands
from .emdb import read_emdb
from .freihand import read_freihand
from .hamer_npz import read_hamer_npz
from .hamer_tar import read_hamer_tar
from .hint import read_hint
from .ho3d import read_ho3d
from .pw3d import read_pw3d

__all__ = ['read_coco_wholebody_hands', 'read_emdb', 'read_freihand', 'read_hamer_npz', 'read_hamer_tar', 'read_hint',
           'read_ho3d', 'read_pw3d']
