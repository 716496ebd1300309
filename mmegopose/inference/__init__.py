"""From a recording to a result: readers of what people have, predictions, who is who, smoothing, contacts."""
from ..named_models import NamedModel, find_model, named_models
from . import inputs
from .bone_lengths import constant_bone_lengths
from .contacts import FootContacts, foot_contacts, on_floor
from .head_pose_inferencer import HeadPoseInferencer
from .inferencer import Inferencer
from .lifting_inferencer import LiftingInferencer
from .loading import load_inferencer, load_model
from .meshes import HandInferencer, MeshInferencer
from .people import people_store, read_people
from .placement import place_in_camera, stand_upright
from .post_processing import post_process
from .smoothing import smooth
from .tracking import PersonTrack, choose_person, one_person, track_people

__all__ = ['FootContacts', 'HandInferencer', 'HeadPoseInferencer', 'Inferencer', 'LiftingInferencer', 'MeshInferencer',
           'NamedModel', 'PersonTrack', 'choose_person', 'constant_bone_lengths', 'find_model', 'foot_contacts',
           'inputs', 'load_inferencer', 'load_model', 'named_models', 'on_floor', 'one_person', 'people_store',
           'place_in_camera', 'post_process', 'read_people', 'smooth', 'stand_upright', 'track_people']
