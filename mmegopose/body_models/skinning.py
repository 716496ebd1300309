"""Linear blend skinning: vertices and joints of a body from rotations and shape."""
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..geometry.rigid import make_rigid
from ..registry import BODY_MODELS
from .body_arrays import BodyArrays, read_body_model, read_regressor
from .joint_orders import joint_orders


@BODY_MODELS.register_module()
class SkinnedModel(nn.Module):
    """A body of the SMPL family: SMPL (Loper et al., SIGGRAPH Asia 2015), MANO (Romero et al., SIGGRAPH Asia 2017).

    Shape and pose blend shapes deform the template, then every vertex follows its joints. The hand's mean pose is not
    added: rotations are absolute, as in HaMeR. It has no parameters and adds nothing to the checkpoint, since the
    licences of MANO and SMPL do not allow weights to carry them; it computes in float32 under autocast.

    Args:
        source: ``'open_hand'``, ``'open_body'``, the path of your MANO, SMPL or SMPL-H file (pkl or npz), or arrays.
        joint_order: joints to report: ``'model'``, the J of the tree; ``'openpose'``: 21 of a hand, 25 of SMPL;
            ``'coco17'``: 17 of a body.
        joint_regressor: file (pkl or npy) of a matrix ``(K,V)``: K joints from vertices, reported after the others.
            ``'openpose'`` with ``SMPL_to_J19.pkl`` of HMR2 yields its 44 joints.
        num_betas: shape coefficients S to use, at most; SMPL files hold up to 300.

    Attributes:
        num_joints: J of the tree, which is how many rotations it takes, the root's included.
        num_betas: S.
        num_keypoints: joints that it reports, J'.
        faces: ``(F,3)`` int64 vertices of the triangles.
    """

    def __init__(self, source: str | Path | BodyArrays, joint_order: str = 'model',
                 joint_regressor: str | Path | None = None, num_betas: int = 10):
        super().__init__()
        body = source if isinstance(source, BodyArrays) else read_body_model(source)
        orders = joint_orders(body)
        if joint_order not in orders:
            raise ValueError(f'joint_order={joint_order!r} is not known for {body.source}; it has {sorted(orders)}')
        order = orders[joint_order]
        regressors = [np.zeros((0, len(body.v_template)))] if order.regressor is None else [order.regressor]
        if joint_regressor is not None:
            regressors.append(read_regressor(joint_regressor, len(body.v_template)))
        regressor = np.concatenate(regressors)                                            # (K,V)

        shapedirs = np.asarray(body.shapedirs, np.float64)[..., :num_betas]               # (V,3,S)
        self.num_joints, self.num_betas = len(body.J_regressor), shapedirs.shape[-1]
        self.num_keypoints = len(order.order) + len(regressor)
        blend_shapes = [shapedirs] if body.posedirs is None else [shapedirs, body.posedirs]
        basis = np.concatenate(blend_shapes, -1)                                          # (V,3,S+9(J-1))
        # Joints at rest are linear in the shape, so they need no vertices.
        self._add('template', body.v_template.reshape(-1))                                # (3V)
        self._add('basis', basis.reshape(-1, basis.shape[-1]).T)                          # (S+9(J-1),3V)
        self._add('rest', (body.J_regressor @ body.v_template).reshape(-1))               # (3J)
        self._add('rest_basis', np.einsum('jv,vcs->sjc', body.J_regressor, shapedirs).reshape(self.num_betas, -1))
        self._add('weights', body.weights)                                                # (V,J)
        self._add('regressor', regressor)                                                 # (K,V)
        self._add('parents', np.where(body.parents < 0, self.num_joints, body.parents), torch.int64)
        self._add('jumps', pointer_jumps(body.parents), torch.int64)
        self._add('faces', body.f.astype(np.int64), torch.int64)
        self._add('picked', order.picked, torch.int64)
        self._add('order', order.order, torch.int64)

    def _add(self, name: str, value, dtype: torch.dtype = torch.float32):
        self.register_buffer(name, torch.as_tensor(np.array(value), dtype=dtype), persistent=False)

    def forward(self, global_orient: Tensor, pose: Tensor, betas: Tensor, transl: Tensor | None = None) -> dict:
        """Pose the body.

        Args:
            global_orient: ``(B,1,3,3)`` rotation of the root joint, about which the whole body turns.
            pose: ``(B,J-1,3,3)`` rotations of the other joints relative to their parents.
            betas: ``(B,S)`` shape coefficients.
            transl: ``(B,3)`` translation, metres.

        Returns:
            ``dict(vertices=(B,V,3), joints=(B,J',3))`` in metres.
        """
        wanted = dict(global_orient=(1, 3, 3), pose=(self.num_joints - 1, 3, 3), betas=(self.num_betas,), transl=(3,))
        for (name, shape), value in zip(wanted.items(), (global_orient, pose, betas, transl)):
            if value is not None and value.shape[1:] != shape:
                raise ValueError(f'{name} has shape {tuple(value.shape)} and should have (B, {str(shape)[1:]}')
        with torch.autocast(betas.device.type, enabled=False):
            rotation = torch.cat([global_orient, pose], 1).to(self.template)             # (B,J,3,3)
            vertices, joints = self._skin(rotation, betas.to(self.template))
            joints = torch.cat([joints, vertices[:, self.picked]], 1)[:, self.order]
            joints = torch.cat([joints, self.regressor @ vertices], 1)                   # (B,J',3)
            if transl is not None:
                shift = transl.to(self.template)[:, None]
                vertices, joints = vertices + shift, joints + shift
        return dict(vertices=vertices, joints=joints)

    def _skin(self, rotation: Tensor, betas: Tensor) -> tuple[Tensor, Tensor]:
        """Rotations ``(B,J,3,3)`` and ``betas (B,S)`` to vertices ``(B,V,3)`` and joints ``(B,J,3)`` of the tree."""
        coefficients = betas
        if len(self.basis) > self.num_betas:
            bend = rotation[:, 1:] - torch.eye(3, dtype=rotation.dtype, device=rotation.device)  # (B,J-1,3,3)
            coefficients = torch.cat([betas, bend.flatten(1)], 1)                         # (B,S+9(J-1))
        shaped = (self.template + coefficients @ self.basis).unflatten(1, (-1, 3))        # (B,V,3)
        rest = (self.rest + betas @ self.rest_basis).unflatten(1, (-1, 3))                # (B,J,3)
        bones = rest - nn.functional.pad(rest, (0, 0, 0, 1))[:, self.parents]             # (B,J,3)

        chain = make_rigid(rotation, bones)                                               # (B,J,4,4)
        identity = torch.eye(4, dtype=chain.dtype, device=chain.device).expand(chain.shape[0], 1, 4, 4)
        for jump in self.jumps:
            chain = torch.cat([chain, identity], 1)[:, jump] @ chain                      # (B,J,4,4)
        turn, joints = chain[..., :3, :3], chain[..., :3, 3]
        offset = joints[..., None] - turn @ rest[..., None]                               # (B,J,3,1)
        motion = torch.cat([turn, offset], -1).flatten(2)                                 # (B,J,12)
        motion = (self.weights @ motion).unflatten(2, (3, 4))                             # (B,V,3,4)
        vertices = (motion[..., :3] * shaped[..., None, :]).sum(-1) + motion[..., 3]      # (B,V,3)
        return vertices, joints


def pointer_jumps(parents: np.ndarray) -> np.ndarray:
    """For each step of pointer jumping the ancestor to compose with, ``(J,) -> (steps,J)``; J stands for none.

    After step k a joint's transform covers 2^k links of its chain, so a tree of depth d takes log2(d) products
    instead of d (Wyllie 1979).
    """
    nothing = len(parents)
    ancestor = np.append(np.where(parents < 0, nothing, parents), nothing)
    steps = []
    while (ancestor != nothing).any():
        steps.append(ancestor[:-1])
        ancestor = ancestor[ancestor]
    return np.array(steps, dtype=np.int64).reshape(-1, nothing)
