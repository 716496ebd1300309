"""2D poses of detectors: rtmlib, MMPose, OpenPose, AlphaPose, MediaPipe, Ultralytics, COCO, VideoPose3D, arrays."""
from .collector import Collector
from .exchanged_sides import exchanged_sides, mend_sides
from .frame_folders import read_openpose, read_ultralytics
from .json_files import read_alphapose, read_coco, read_mmpose, read_ultralytics_json
from .plain_arrays import collect_frames, read_mediapipe, read_npz
from .pose_formats import FORMATS, detect_pose_format, read_poses_2d
from .poses_2d import Poses2D, box_of
from .videopose3d_npz import read_videopose3d

__all__ = ['FORMATS', 'Collector', 'Poses2D', 'box_of', 'collect_frames', 'detect_pose_format', 'exchanged_sides',
           'mend_sides', 'read_alphapose', 'read_coco', 'read_mediapipe', 'read_mmpose', 'read_npz', 'read_openpose',
           'read_poses_2d', 'read_ultralytics', 'read_ultralytics_json', 'read_videopose3d']
