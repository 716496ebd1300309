import numpy as np
import pytest
import torch
from scipy.ndimage import center_of_mass

from mmegopose.geometry.heatmaps import encode_heatmaps
from mmegopose.rendering.skeleton_images import draw_heatmaps, draw_skeletons
from mmegopose.structures import get_skeleton

HAND21 = get_skeleton('hand21')
HAND = HAND21.style


def hands(count=3, size=256):
    """Open hands with the wrist at the bottom; fingers do not touch."""
    angle = np.linspace(-0.6, 0.6, 5)[:, None, None]
    reach = np.linspace(0.3, 0.75, 4)[:, None] * size
    fingers = np.concatenate([np.sin(angle) * reach, -np.cos(angle) * reach], -1)  # (5, 4, 2)
    hand = np.concatenate([np.zeros((1, 2)), fingers.reshape(20, 2)]) + [size / 2, size * 0.9]
    return np.repeat(hand[None], count, 0), np.ones((count, 21))


def test_hand21_is_the_order_of_openpose():
    assert HAND21.joints[:6] == ('wrist', 'thumb-1', 'thumb-2', 'thumb-3', 'thumb-4', 'index-1')
    assert HAND21.edges[:6] == ((0, 1), (1, 2), (2, 3), (3, 4), (0, 5), (5, 6)) and len(HAND21.edges) == 20
    assert HAND21.flip == tuple(range(21))


def test_joints_and_bones_are_drawn_where_they_are():
    keypoints, confidence = hands()
    keypoints += [0.3, -0.2]
    image = draw_skeletons(keypoints, confidence, HAND)[0]
    assert image.shape == (256, 256, 3) and image.dtype == np.uint8
    for joint, color in zip(keypoints[0], HAND.joint_colors, strict=True):
        x, y = np.round(joint).astype(int)
        assert image[y, x].tolist() == list(color)
    for (a, b), color in zip(HAND.edges, HAND.edge_colors, strict=True):
        x, y = np.round(keypoints[0, [a, b]].mean(0)).astype(int)
        assert image[y, x].tolist() == list(color)


def test_places_have_parts_of_a_pixel():
    keypoints = np.array([[[50.25, 60.5]]])
    style = type(HAND)(edges=(), edge_colors=(), joint_colors=((255, 255, 255),), radius=1 / 50)
    image = draw_skeletons(keypoints, np.ones((1, 1)), style)[0, ..., 0]
    np.testing.assert_allclose(center_of_mass(image), [60.5, 50.25], atol=0.1)


def test_missing_joints_and_their_bones_are_not_drawn():
    keypoints, confidence = hands()
    confidence[0, 5:9] = 0.05
    confidence[1] = 0
    keypoints[2, 5:9] = np.nan
    one, none, broken = draw_skeletons(keypoints, confidence, HAND)
    x, y = keypoints[0, 5:9].round().astype(int).T
    assert (one[y, x] == 0).all() and (draw_skeletons(*hands(1), HAND)[0][y, x] > 0).any(-1).all()
    np.testing.assert_array_equal(one, broken)
    assert (none == 0).all()


def test_thickness_follows_the_person():
    keypoints, confidence = hands(2)
    keypoints[1] = keypoints[1] * 0.4 + 70
    areas = (draw_skeletons(keypoints, confidence, HAND, size=256) > 0).any(-1).sum((1, 2))
    assert areas[0] > 2 * areas[1]
    keypoints, confidence = hands(1, size=1024)
    disc = draw_skeletons(keypoints, confidence * (np.arange(21) % 20 == 0), HAND, size=1024)[0]
    extent = np.ptp(keypoints[0, [0, 20]], axis=0).max()
    x, y = np.round(keypoints[0, 20]).astype(int)
    # To the right of the tip there is no bone.
    assert np.flatnonzero(disc[y, x:].any(-1)).max() == pytest.approx(extent / 50, abs=1.5)


def test_joints_may_be_far_outside_of_the_image():
    keypoints, confidence = hands(1)
    keypoints[0, 4] = [1e9, -1e9]
    assert draw_skeletons(keypoints, confidence, HAND).any()


@pytest.mark.parametrize('name', ['coco17', 'h36m17'])
def test_every_body_has_a_style(name):
    style = get_skeleton(name).style
    assert len(style.joint_colors) == get_skeleton(name).num_joints
    assert len(set(style.edge_colors)) == len(style.edges)
    (a, _), color = style.edges[0], style.edge_colors[0]
    assert style.joint_colors[a] == color
    keypoints = np.random.default_rng(0).uniform(20, 200, (2, len(style.joint_colors), 2))
    assert draw_skeletons(keypoints, np.ones(keypoints.shape[:2]), style).any((1, 2, 3)).all()


def test_another_skeleton_is_told():
    with pytest.raises(ValueError, match=r'21 joints, got keypoints \(3, 17, 2\)'):
        draw_skeletons(np.zeros((3, 17, 2)), np.ones((3, 17)), HAND)


def test_heatmaps_have_their_peak_at_the_joint():
    keypoints, confidence = (torch.from_numpy(a) for a in hands(2))
    confidence[1] = 0.5
    confidence[0, 3] = 0
    heatmaps = draw_heatmaps(keypoints, confidence, (64, 48))
    assert heatmaps.shape == (2, 21, 64, 48) and heatmaps.dtype == torch.float32
    assert (heatmaps[0, 3] == 0).all()
    scaled = keypoints * torch.tensor([47, 63]) / 255
    wanted = encode_heatmaps(scaled, (64, 48)).float() * confidence[..., None, None]
    torch.testing.assert_close(heatmaps, wanted.float(), atol=1e-5, rtol=0)
