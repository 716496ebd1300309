"""Head tracks of what people record with: headsets, glasses, phones, SLAM, tables and arrays of their own."""
from .aria_mps import read_aria_mps, read_egoexo4d_camera
from .arrays import read_array_track
from .colmap import read_colmap
from .csv_track import read_csv_track
from .head_offsets import DEVICES, device_offset, head_offset
from .hololens import read_hololens
from .phones import read_record3d, read_stray_scanner
from .text_tracks import read_euroc, read_kitti, read_tum
from .track import HeadTrack
from .track_formats import FORMATS, detect_track_format, read_head_track
from .track_import import ImplausibleTrack, import_track

__all__ = ['DEVICES', 'FORMATS', 'HeadTrack', 'ImplausibleTrack', 'detect_track_format', 'device_offset', 'head_offset',
           'import_track', 'read_aria_mps', 'read_array_track', 'read_colmap', 'read_csv_track', 'read_egoexo4d_camera',
           'read_euroc', 'read_head_track', 'read_hololens', 'read_kitti', 'read_record3d', 'read_stray_scanner',
           'read_tum']
