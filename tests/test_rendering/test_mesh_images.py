import numpy as np
import pytest
import torch

from mmegopose.body_models import OPEN_MODELS, read_body_model
from mmegopose.geometry.crops import camera_translation, project_to_crop
from mmegopose.geometry.rotations import so3_exp
from mmegopose.rendering.mesh_images import flat_shading, render, shown_faces

SIZE = 48


def slow_render(vertices, faces, colors, focal, size):
    """Every pixel against every triangle."""
    image, depth = np.zeros((size, size, 3), np.uint8), np.full((size, size), np.inf)
    screen = vertices[:, :2] / vertices[:, 2:] * focal + size / 2
    for face, color in zip(faces, colors, strict=True):
        corners = np.vstack([screen[face].T, np.ones(3)])
        if abs(np.linalg.det(corners)) < 1e-4:
            continue
        inverse = np.linalg.inv(corners)
        for y in range(size):
            for x in range(size):
                weights = inverse @ [x, y, 1]
                if (weights >= 0).all():
                    z = 1 / (weights @ (1 / vertices[face, 2]))
                    if z < depth[y, x]:
                        depth[y, x], image[y, x] = z, color
    return image, depth


def test_it_equals_a_search_over_all_pixels():
    rng = np.random.default_rng(0)
    vertices = rng.uniform((-1, -1, 3), (1, 1, 5), (24, 3))
    faces = rng.integers(0, 24, (30, 3))   # many overlap and cut through each other, some are degenerate
    colors = rng.integers(30, 256, (30, 3), np.uint8)
    image, depth = render(vertices, faces, colors, focal=80, size=SIZE)
    wanted, wanted_depth = slow_render(vertices, faces, colors, 80, SIZE)
    assert 0.3 < np.isfinite(wanted_depth).mean() < 1
    assert (np.isfinite(depth) != np.isfinite(wanted_depth)).mean() < 0.002
    assert (image != wanted).any(-1).mean() < 0.002
    both = np.isfinite(depth) & np.isfinite(wanted_depth)
    error = np.abs(depth[both] - wanted_depth[both])
    assert np.median(error) < 1e-6 and (error > 1e-4).mean() < 0.002


def test_a_part_of_the_picture_is_that_of_the_whole():
    rng = np.random.default_rng(0)
    vertices, faces = rng.uniform((-1, -1, 3), (1, 1, 5), (24, 3)), rng.integers(0, 24, (30, 3))
    whole, depths = np.full((2, SIZE, SIZE), -1.0)
    pixels, shown, depth = shown_faces(vertices, faces, 80, (SIZE, SIZE), (20, 28))
    assert (np.diff(pixels) > 0).all() and len(set(shown)) > 5 and 0 in faces[shown]
    whole.reshape(-1)[pixels], depths.reshape(-1)[pixels] = shown, depth
    part, near = np.full((2, 30, 41), -1.0)
    pixels, shown, depth = shown_faces(vertices, faces, 80, (41, 30), (20, 28))  # width, height
    part.reshape(-1)[pixels], near.reshape(-1)[pixels] = shown, depth
    assert np.array_equal(part, whole[:30, :41]) and np.array_equal(near, depths[:30, :41])


@pytest.mark.parametrize('order', [(0, 1), (1, 0)])
def test_the_nearer_of_two_squares_is_seen(order):
    square = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], float)
    near, far = square * 0.5 + [0, 0, 2], square * 2 + [0, 0, 4]
    vertices = np.concatenate([near, far])
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    faces = np.concatenate([faces + 4 * i for i in order])
    red, blue = np.array([[255, 0, 0]] * 4), np.array([[0, 0, 255]] * 4)
    background = np.full((64, 64, 3), 7, np.uint8)
    image, depth = render(vertices, faces, np.concatenate([red, blue]), focal=40, size=64, background=background)
    assert image[32, 32].tolist() == [255, 0, 0] and depth[32, 32] == pytest.approx(2)
    assert image[32, 15].tolist() == [0, 0, 255] and depth[32, 15] == pytest.approx(4)
    assert image[2, 2].tolist() == [7, 7, 7] and np.isinf(depth[2, 2])
    assert (depth == depth.min()).sum() == 21 ** 2   # 32 +- 10, both included
    assert (background == 7).all()


def test_slanted_faces_cut_through_each_other_where_their_depths_meet():
    vertices = np.array([[-2, -2, 2], [2, -2, 6], [2, 2, 6], [-2, 2, 2],
                         [-2, -2, 6], [2, -2, 2], [2, 2, 2], [-2, 2, 6]], float)
    faces = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]])
    colors = np.repeat([[255, 0, 0], [0, 255, 0]], 2, 0)
    image, depth = render(vertices, faces, colors, focal=32, size=64)
    seen = np.isfinite(depth[32])
    assert (image[32, :32][seen[:32]] == [255, 0, 0]).all() and (image[32, 33:][seen[33:]] == [0, 255, 0]).all()
    x = (np.flatnonzero(seen) - 32) / 32
    np.testing.assert_allclose(depth[32][seen], 4 / (1 + np.abs(x)), rtol=1e-6)


@pytest.mark.parametrize('name', sorted(OPEN_MODELS))
def test_a_closed_mesh_has_no_holes_and_covers_its_vertices(name):
    body = read_body_model(name)
    turn = so3_exp(torch.tensor([0.3, 0.9, -0.4], dtype=torch.float64)).numpy()
    vertices = (body.v_template - body.v_template.mean(0)) @ turn.T
    scale = 1.6 / np.ptp(vertices, axis=0).max()
    translation = camera_translation(torch.tensor([scale, 0, 0], dtype=torch.float64))
    faces = body.f.astype(int)
    moved = vertices + translation.numpy()
    image, depth = render(moved, faces, flat_shading(moved, faces, np.array([200, 160, 140])), 5000)
    pixels = (project_to_crop(torch.from_numpy(vertices), translation).numpy() + 0.5) * 256
    inside = np.round(pixels[((pixels > 2) & (pixels < 253)).all(1)]).astype(int)
    near = np.stack([np.isfinite(depth)[inside[:, 1] + dy, inside[:, 0] + dx] for dy in (-1, 0, 1)
                     for dx in (-1, 0, 1)])
    assert near.any(0).mean() > 0.99
    mask = np.isfinite(depth)
    holes = ~mask[1:-1, 1:-1] & mask[:-2, 1:-1] & mask[2:, 1:-1] & mask[1:-1, :-2] & mask[1:-1, 2:]
    assert holes.sum() <= 2
    assert (image[mask] > 0).all() and (image[~mask] == 0).all()
    reach = depth[mask] - translation.numpy()[2]
    assert reach.min() > vertices[:, 2].min() - 1e-4 and reach.max() < vertices[:, 2].max() + 1e-4


def test_flat_shading():
    vertices = np.array([[0, 0, 1], [1, 0, 1], [0, 1, 1], [0, 0, 2]], float)
    faces = np.array([[0, 1, 2], [0, 2, 1], [0, 1, 3]])
    shaded = flat_shading(vertices, faces, np.array([200, 100, 50]), light=(0, 0, -3), ambient=0.5)
    assert shaded.tolist() == [[200, 100, 50], [200, 100, 50], [100, 50, 25]]
    by_vertex = flat_shading(vertices, faces, np.array([[30, 0, 0], [60, 0, 0], [90, 0, 0], [0, 0, 0]]), ambient=1)
    assert by_vertex[:, 0].tolist() == [60, 60, 30]


def test_what_is_behind_or_beside_the_camera_is_left_out():
    triangle = np.array([[-1, -1, 2], [1, -1, 2], [0, 1, -1]], float)
    faces = np.array([[0, 1, 2]])
    for vertices in (triangle, triangle + [100, 0, 5], np.ones((3, 3))):
        image, depth = render(vertices, faces, np.array([255, 255, 255]), focal=30, size=16)
        assert (image == 0).all() and np.isinf(depth).all()


def test_mistakes_are_told():
    vertices, faces = np.eye(3) + 1, np.array([[0, 1, 2]])
    with pytest.raises(ValueError, match=r'\(8,8,3\) uint8, got \(8, 8, 3\) float64'):
        render(vertices, faces, np.zeros(3), 10, 8, np.zeros((8, 8, 3)))
    with pytest.raises(ValueError, match=r'got \(2, 3\)'):
        render(vertices, faces, np.zeros((2, 3)), 10, 8)
    with pytest.raises(ValueError, match='vertex 1 is not'):
        render(np.array([[1, 1, 1], [1, np.nan, 1], [2, 1, 1]]), faces, np.zeros(3), 10, 8)
    with pytest.raises(ValueError, match='up to 1048575 faces'):
        render(vertices, np.zeros((1 << 20, 3), int), np.zeros(3), 10, 8)
