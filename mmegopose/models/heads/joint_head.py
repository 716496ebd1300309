"""Joint coordinates from tokens."""
import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from ...registry import HEADS
from ...structures import get_skeleton, mask_name
from ..layers import MlpHead, read_stream


@HEADS.register_module()
class JointHead(BaseModule):
    """Regress joints with an MLP.

    One token per frame (N=1) yields all joints of the frame; one token per joint (N=J) yields that joint.

    Args:
        embed_dim: channels C of the tokens.
        num_joints: joints J.
        hidden_dims: hidden channels of the MLP.
        per_joint: tokens are joints.
        output: ``'last'``: the newest frame (causal use); ``'all'``: every frame (sequence to sequence).
        act: activation of the MLP.
        norm, norm_eps: layer norm before the MLP, and its epsilon.
        bias: bias of the MLP.
        scale: factor of the output, e.g. 1e-3 for weights that predict millimetres.
    """

    def __init__(self, embed_dim: int = 256, num_joints: int = 17, hidden_dims: tuple = (256,),
                 per_joint: bool = False, output: str = 'last', act: str = 'relu', norm: bool = False,
                 bias: bool = True, scale: float = 1.0, norm_eps: float = 1e-5, init_cfg: dict | None = None):
        super().__init__(init_cfg)
        if output not in ('last', 'all'):
            raise ValueError(f"JointHead(output={output!r}): output should be 'last' or 'all'")
        self.num_joints, self.per_joint, self.output, self.scale = num_joints, per_joint, output, scale
        self.norm = nn.LayerNorm(embed_dim, norm_eps) if norm else nn.Identity()
        self.mlp = MlpHead((embed_dim, *hidden_dims, 3 if per_joint else 3 * num_joints), act, bias=bias)

    def forward(self, tokens: Tensor) -> dict:
        """``(B,T,N,C) -> dict(joints=(B,T',J,3))``, metres, target frame; T' is 1 or T."""
        wanted = self.num_joints if self.per_joint else 1
        if tokens.shape[2] != wanted:
            raise ValueError(f'JointHead(per_joint={self.per_joint}) takes {wanted} tokens per frame, '
                             f'got {tokens.shape[2]}')
        if self.output == 'last':
            tokens = tokens[:, -1:]
        joints = self.scale * self.mlp(self.norm(tokens))
        return dict(joints=joints.reshape(*tokens.shape[:2], self.num_joints, 3))  # (B, T', J, 3)


@HEADS.register_module()
class WristHead(JointHead):
    """Regress the joints of the newest frame; a wrist that is seen there is corrected, not guessed.

    The MLP yields two places more: how far the wrists are from where they are seen. The stream and the joints are in
    one frame: that of ``TargetFrame('heading')``.

    Args:
        skeleton: name of the skeleton of the joints.
        wrists: name of the stream of the wrists; without it all joints are guessed.
        kwargs: see :class:`JointHead`.
    """

    def __init__(self, skeleton: str = 'coco17', wrists: str = 'wrists', **kwargs):
        parts = get_skeleton(skeleton)
        super().__init__(num_joints=len(parts.joints) + 2, **kwargs)
        if self.output != 'last' or self.per_joint:
            raise ValueError("WristHead takes one token per frame and has output='last': wrists are told in the frame "
                             'of the newest head')
        self.stream, indices = wrists, [parts.index(f'{side}-wrist') for side in ('left', 'right')]
        order = list(range(self.num_joints - 2))  # joints, then the wrists that are seen, to joints
        for hand, joint in enumerate(indices):
            order[joint] = self.num_joints - 2 + hand
        # On the device of the model, so that no step carries them there.
        self.register_buffer('indices', torch.tensor(indices), persistent=False)
        self.register_buffer('order', torch.tensor(order), persistent=False)

    def forward(self, tokens: Tensor, inputs: dict) -> dict:
        """``(B,T,1,C)`` and ``wrists (B,T,2,3)`` to ``dict(joints=(B,1,J,3))``, metres, heading frame."""
        joints, change = super().forward(tokens)['joints'].split([self.num_joints - 2, 2], 2)
        if self.stream not in inputs:
            return dict(joints=joints)
        seen = read_stream(inputs, self.stream, 3)[:, -1:].to(joints) + change  # (B, 1, 2, 3)
        detected = inputs.get(mask_name(self.stream))
        if detected is not None:
            seen = torch.where(detected[:, -1:, :, None], seen, joints[:, :, self.indices])
        return dict(joints=torch.cat([joints, seen], 2)[:, :, self.order])  # (B, 1, J, 3)
