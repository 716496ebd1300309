"""Readers of images of hands and bodies."""
from .coco_wholebody import read_coco_wholebody_hands
from .freihand import read_freihand
from .hamer import read_hamer_npz, read_hamer_tar
from .hint import read_hint
from .ho3d import read_ho3d
from .smpl_videos import read_emdb, read_pw3d

__all__ = ['read_coco_wholebody_hands', 'read_emdb', 'read_freihand', 'read_hamer_npz', 'read_hamer_tar', 'read_hint',
           'read_ho3d', 'read_pw3d']
