"""From a recording to a result: readers of what people have, predictions, who is who, smoothing, contacts."""
from . import inputs
from .bone_lengths import constant_bone_lengths
from .contacts import FootContacts, foot_contacts, on_floor
from .head_pose_inferencer import HeadPoseInferencer, resample_track
from .lifting_inferencer import LiftingInferencer
from .loading import load_model
from .people import people_store, read_people
from .smoothing import smooth
from .tracking import PersonTrack, choose_person, track_people

__all__ = ['FootContacts', 'HeadPoseInferencer', 'LiftingInferencer', 'PersonTrack', 'choose_person',
           'constant_bone_lengths', 'foot_contacts', 'inputs', 'load_model', 'on_floor', 'people_store', 'read_people',
           'resample_track', 'smooth', 'track_people']
