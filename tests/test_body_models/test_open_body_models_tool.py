"""The parts of the tool that need no download."""
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch


@pytest.fixture(scope='module')
def tool():
    path = Path(__file__).parents[2] / 'tools' / 'dataset_converters' / 'open_body_models.py'
    return SimpleNamespace(**runpy.run_path(str(path)))


def test_shape_space_reconstructs_people_with_unit_coefficients(tool):
    rng = np.random.default_rng(0)
    people = rng.normal(size=(50, 40, 3)).mean(0) + np.einsum('np,pvc->nvc', rng.normal(size=(50, 6)),
                                                              rng.normal(size=(6, 40, 3)))
    mean, directions = tool.shape_space(people)
    used = directions[..., :6].reshape(-1, 6)
    betas = np.linalg.lstsq(used, (people - mean).reshape(50, -1).T, rcond=None)[0]
    np.testing.assert_allclose((used @ betas).T, (people - mean).reshape(50, -1), atol=1e-10)
    np.testing.assert_allclose(betas.std(1, ddof=1), 1, rtol=1e-10)
    np.testing.assert_allclose(directions[..., 6:], 0, atol=1e-10)


def test_the_sign_of_a_shape_direction_is_fixed(tool):
    people = np.random.default_rng(1).normal(size=(30, 20, 3))
    _, directions = tool.shape_space(people)
    _, reversed_order = tool.shape_space(people[::-1])
    np.testing.assert_allclose(directions, reversed_order, atol=1e-10)


def test_regressor_finds_points_inside_the_mesh(tool):
    rng = np.random.default_rng(2)
    people = rng.normal(size=(1, 150, 3)) + 0.1 * rng.normal(size=(30, 150, 3))
    weights = rng.dirichlet(np.full(150, 0.05), 3)
    points = weights @ people
    regressor = tool.fit_regressor(people, points)
    assert (regressor >= 0).all()
    np.testing.assert_allclose(regressor.sum(1), 1, rtol=1e-12)
    np.testing.assert_allclose(regressor @ people, points, atol=1e-6)


def test_skinning_weights_merge_bones(tool):
    model = SimpleNamespace(bone_labels=['a', 'b', 'c'], template_vertices=range(2),
                            vertex_bone_indices=torch.tensor([[0, 1], [2, 1]]),
                            vertex_bone_weights=torch.tensor([[0.5, 0.5], [3., 1.]]))
    np.testing.assert_allclose(tool.skinning_weights(model, dict(a=0, b=0, c=1), 2), [[1, 0], [0.25, 0.75]])


def test_every_joint_of_the_body_has_its_bones(tool):
    assert len(tool.BODY_BONES) == len(tool.BODY_PARENTS) == 24
    left, right = tool.BODY_BONES[20:22]
    assert left == ('wrist.L', 'metacarpal*.L') and right == ('wrist.R', 'metacarpal*.R')
