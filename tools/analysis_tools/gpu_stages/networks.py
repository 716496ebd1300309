"""The networks whose speed is measured, beside plain ones that compute the same."""
import functools
import types
from pathlib import Path
from typing import NamedTuple

import torch
from plain_lifting import PlainMixSTE, PlainSTCFormer
from torch import nn
from torch.utils.checkpoint import checkpoint

import mmegopose.models  # noqa: F401
from mmegopose.engine.config import load_config
from mmegopose.models.layers import Attention, Block
from mmegopose.models.layers.attention import attention_weights
from mmegopose.registry import MODELS
from mmegopose.structures import PoseDataSample
from mmegopose.testing import make_streams, make_targets

CONFIGS = Path(__file__).resolve().parents[3] / 'configs'
MESH = ('joints', 'visible', 'frame_ids', 'keypoints', 'keypoint_conf', 'global_orient', 'body_pose', 'betas',
        'has_pose', 'has_betas')


class Network(NamedTuple):
    """A model of a config, without dropout.

    Attributes:
        config, options: of the model.
        streams, targets: what it reads, and is compared with.
        sizes: by letter, ``T`` included.
        plain: function that makes the plain network, keypoints ``(B,T,J,2)`` to joints; None: the same modules with
            attention written out.
        windows: batch of a step that the plain network can do, too.
        large: batch of a step that fills the card.
    """
    config: str
    options: dict
    streams: tuple
    targets: tuple
    sizes: dict
    plain: functools.partial | None
    windows: int
    large: int

    def model(self, device: str) -> nn.Module:
        cfg = load_config(CONFIGS / self.config, self.options)
        torch.manual_seed(0)
        with torch.device(device):  # weights of billions of bytes are drawn there
            return MODELS.build(cfg.model).to(device)

    def plain_model(self, device: str) -> nn.Module:
        """The plain network, or the package's model with attention as a product, a softmax and a product."""
        if self.plain is not None:
            torch.manual_seed(0)
            return self.plain().to(device)
        model = self.model(device)
        for module in model.modules():
            if isinstance(module, Attention):
                module.attend = types.MethodType(_written_out, module)
        return model

    def batch(self, windows: int, device: str) -> tuple[dict, PoseDataSample]:
        """Random streams and targets."""
        sizes = self.sizes | dict(B=windows)
        inputs, samples = make_streams(self.streams, sizes), make_targets(self.targets, sizes)
        return {name: value.to(device) for name, value in inputs.items()}, samples.to(device)


def _written_out(self, q, k, v, mask=None, is_causal=False):
    return attention_weights(q, k, mask, is_causal, self.scale) @ v


def speed_up_blocks(model: nn.Module, compiled: bool, checkpointed: bool, device: str) -> None:
    """Compile the blocks of a model, which share their code, and keep only what enters them for the backward pass."""
    for name in ('recompile_limit', 'cache_size_limit'):
        if hasattr(torch._dynamo.config, name):
            setattr(torch._dynamo.config, name, 64)
    for block in model.modules():
        if isinstance(block, Block):
            forward = block.forward
            if compiled:  # without a card the compiler of C++ would take longer than all that is measured
                forward = torch.compile(forward, dynamic=False, backend='inductor' if device == 'cuda' else 'aot_eager')
            block.forward = functools.partial(checkpoint, forward, use_reentrant=False) if checkpointed else forward


def networks(scale: str) -> dict[str, Network]:
    """Networks by name, in order of value."""
    full = scale == 'full'
    lifting = dict(streams=('keypoints',), targets=('joints', 'visible', 'frame_ids'))
    frames = 243 if full else 9
    mixste = dict(embed_dim=512 if full else 16, depth=8 if full else 1)
    out = {f'MixSTE T={frames}': Network(
        'lifting/mixste_243_h36m.py', dict(_lifting(mixste['embed_dim']), **_neck(
            mixste, drop_path_rate=0.0, num_frames=frames)), **lifting, sizes=dict(T=frames, J=17, D=2),
        plain=functools.partial(PlainMixSTE, frames, mixste['embed_dim'], mixste['depth']), windows=8 if full else 2,
        large=32 if full else 2)}
    for T in (1, 4, 8) if full else (2,):
        out[f'ExtPose {"ViT-H" if full else "ViT"} T={T} M=2'] = extpose(full, T)
    out[f'STCFormer T={frames}'] = stcformer(full, frames)
    out['Level-wise T=20'] = Network(
        'levelwise_vit.py', {
            'model.branches.coarse.backbone.drop_rate': 0.0, 'model.branches.fine.backbone.drop_rate': 0.0,
            **({} if full else {'model.branches.fine.backbone.depth': 1, 'model.branches.coarse.backbone.depth': 1})},
        ('head_pose',), ('joints', 'visible', 'frame_ids'), dict(T=20, F=16, J=17), None, 512 if full else 2,
        2048 if full else 2)
    return {name: out[name] for name in sorted(out, key=lambda name: 'T=4' in name or 'T=8' in name)}


def stcformer(full: bool, frames: int) -> Network:
    """STCFormer for windows of as many frames."""
    stc = dict(embed_dim=256 if full else 16, depth=6 if full else 1)
    return Network(
        'lifting/stcformer_243_h36m.py', dict(_lifting(stc['embed_dim']), **_neck(
            stc, drop_rate=0.0, part_drop_rate=0.0)), ('keypoints',), ('joints', 'visible', 'frame_ids'),
        dict(T=frames, J=17, D=2), functools.partial(PlainSTCFormer, stc['embed_dim'], stc['depth']),
        16 if full else 2, 48 if full else 2)


def extpose(full: bool, frames: int) -> Network:
    """ExtPose of two modalities, over images of 256 x 192 pixels."""
    options = {'model.head.body_model': dict(type='SkinnedModel', source='open_hand', joint_order='openpose'),
               'model.backbone.drop_path_rate': 0.0}
    if not full:
        options |= {'model.backbone.arch': 'tiny', 'model.backbone.depth': 1, 'model.head.embed_dim': 96,
                    'model.head.decoder_dim': 32, 'model.head.depth': 1,
                    'model.backbone.embed': dict(type='PatchEmbed', img_size=(64, 48))}
    windows, large = {1: (16, 48), 4: (2, 12), 8: (1, 6)}.get(frames, (1, 1)) if full else (1, 1)
    height, width = (256, 192) if full else (64, 48)
    sizes = dict(T=frames, J=21, H=height, W=width, D=2, S=10, global_orient=dict(J=1), body_pose=dict(J=15))
    return Network('mesh/extpose-huge_freihand.py', options, ('image', 'pose_image'), MESH, sizes, None, windows, large)


def _lifting(dim: int) -> dict:
    return {'model.backbone.embed_dim': dim, 'model.head.embed_dim': dim}


def _neck(*sizes: dict, **more) -> dict:
    return {f'model.neck.{key}': value for part in (*sizes, more) for key, value in part.items()}
