"""2D detectors for pictures and videos: MediaPipe, rtmlib, your own callable; none of them is a dependency."""
from .build import build_detector
from .detection import Detection, as_detections
from .mediapipe_detectors import MediaPipeHands, MediaPipePose
from .one_person import OnePersonFollower
from .poses_of_video import hands_of_video, poses_of_video
from .rtmlib_detectors import RTMLibDetector

__all__ = ['Detection', 'MediaPipeHands', 'MediaPipePose', 'OnePersonFollower', 'RTMLibDetector', 'as_detections',
           'build_detector', 'hands_of_video', 'poses_of_video']
