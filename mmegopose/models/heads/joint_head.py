"""Joint coordinates from tokens."""
from mmengine.model import BaseModule
from torch import Tensor, nn

from ...registry import HEADS
from ..layers import MlpHead


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
