"""One reader per data set, from the official files to an :class:`.ImageStore`."""
from .bodies import read_emdb, read_pw3d
from .coco_wholebody import read_coco_wholebody_hands
from .freihand import read_freihand
from .hamer import read_hamer_npz, read_hamer_tar
from .hint import read_hint
from .ho3d import read_ho3d

__all__ = ['read_coco_wholebody_hands', 'read_emdb', 'read_freihand', 'read_hamer_npz', 'read_hamer_tar', 'read_hint',
           'read_ho3d', 'read_pw3d']
