"""The atoms that every transformer of the package is built from."""
from .attention import Attention, attention_weights
from .block import Block, DropPath, LayerScale, over_frames, over_tokens
from .embed import JointEmbed, TrajectoryEmbed, WristEmbed, read_stream, sincos_position, streams_of
from .embed_frame import FrameEmbed
from .embed_image import ConvStem, PatchEmbed
from .embed_pose import PoseEmbed
from .linear import Linear, lay_out_for_single_windows
from .masks import any_stream, attention_mask, criss_cross_masks, frame_mask, own_mask, stream_mask, token_mask
from .mlp import Mlp, MlpHead
from .recorded_attention import record_attention

__all__ = ['Attention', 'Block', 'ConvStem', 'DropPath', 'FrameEmbed', 'JointEmbed', 'LayerScale', 'Linear', 'Mlp',
           'MlpHead', 'PatchEmbed', 'PoseEmbed', 'TrajectoryEmbed', 'WristEmbed', 'any_stream', 'attention_mask',
           'attention_weights', 'criss_cross_masks', 'frame_mask', 'lay_out_for_single_windows', 'over_frames',
           'over_tokens', 'own_mask', 'read_stream', 'record_attention', 'sincos_position', 'stream_mask', 'streams_of',
           'token_mask']
