import json
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from mmegopose.geometry import crops

DATA = Path(__file__).parents[1] / 'data'
CROP, CAMERA = np.load(DATA / 'crop_aug.npz'), np.load(DATA / 'camera.npz')
CONFIG = json.loads(str(CROP['config']))
UNFLIP = np.array([[-1, 0, 119], [0, 1, 0], [0, 0, 1]])   # the image is 120 pixels wide


@pytest.mark.parametrize('box', [0, 1])
@pytest.mark.parametrize('flip', [False, True])
@pytest.mark.parametrize('scale, degrees', [(1.0, 0.0), (1.2, 25.0)])
def test_crops_equal_the_official_ones(box, flip, scale, degrees):
    name = f'{box}_{int(flip)}_{scale}_{degrees}'
    x, y, size = CONFIG['boxes'][box]
    patch, transform = crops.crop_image(CROP['image'], (x, y), size * scale, CONFIG['patch'], np.deg2rad(degrees), flip)
    np.testing.assert_array_equal(patch, CROP[f'patches/patch_{name}'])
    wanted = CROP[f'patches/trans_{name}']
    np.testing.assert_allclose(transform, wanted @ UNFLIP if flip else wanted, atol=1e-5, rtol=0)


@pytest.mark.parametrize('right', [1, 0])
def test_the_input_of_the_network_equals_the_official_one(right):
    x, y, size = CONFIG['boxes'][0]
    patch, transform = crops.crop_image(CROP['image'], (x, y), size, CONFIG['patch'], flip=not right)
    image = crops.normalize_image(patch)
    np.testing.assert_allclose(image, CROP[f'example/r{right}_img'], atol=1e-5, rtol=0)
    keypoints = crops.crop_units(crops.apply_affine(CROP['kp2d'][:, :2], transform), CONFIG['patch'])
    np.testing.assert_allclose(keypoints, CROP[f'example/r{right}_kp2d'][:, :2], atol=1e-6, rtol=0)
    wanted = CROP[f'example/r{right}_trans']
    np.testing.assert_allclose(transform, wanted if right else wanted @ UNFLIP, atol=1e-5, rtol=0)


def test_statistics_and_aspect_equal_the_official_ones():
    np.testing.assert_allclose(np.multiply(crops.IMAGE_MEAN, 255), CONFIG['mean'], rtol=1e-12)
    np.testing.assert_allclose(np.multiply(crops.IMAGE_STD, 255), CONFIG['std'], rtol=1e-12)
    np.testing.assert_allclose(crops.expand_to_aspect(CROP['expand_in'], (192, 256)), CROP['expand_out'], rtol=1e-12)


def test_cameras_equal_the_official_ones():
    data = {key: torch.from_numpy(CAMERA[key]) for key in CAMERA.files if key != 'config'}
    config = json.loads(str(CAMERA['config']))
    assert (config['focal_length'], config['image_size']) == (crops.FOCAL, crops.CROP_SIZE)
    translation = crops.camera_translation(data['pred_cam'])
    torch.testing.assert_close(translation, data['pred_cam_t'], atol=1e-5, rtol=1e-6)
    torch.testing.assert_close(crops.project_to_crop(data['points'], translation), data['pred_keypoints_2d'],
                               atol=1e-5, rtol=0)
    focal = crops.image_focal(data['img_size']).max()   # the official code takes one for the whole batch
    assert focal == config['scaled_focal']
    full = crops.camera_in_image(data['pred_cam'], data['box_center'], data['box_size'], data['img_size'], focal)
    torch.testing.assert_close(full, data['pred_cam_t_full'], atol=1e-5, rtol=1e-6)
    pixels = focal * crops.project_to_crop(data['points'], full, 1, 1) + data['img_size'][:, None] / 2
    torch.testing.assert_close(pixels, data['keypoints_2d_full'], atol=1e-5, rtol=1e-6)


def test_a_rotated_mirrored_crop_shows_its_keypoints_where_the_map_says():
    image = np.zeros((200, 300, 3), np.uint8)
    image[148:153, 88:93] = 255   # a dot at (90, 150)
    patch, transform = crops.crop_image(image, (110, 130), 100, 64, 0.7, flip=True)
    weights = patch[..., 0] / patch[..., 0].sum()
    seen = [(weights.sum(0) * np.arange(64)).sum(), (weights.sum(1) * np.arange(64)).sum()]
    np.testing.assert_allclose(crops.apply_affine(np.array([[90., 150]]), transform)[0], seen, atol=0.05)


def test_antialias_blurs_what_shrinks_and_nothing_else():
    image = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    plain, blurred = (crops.crop_image(image, (200, 150), 280, 64, antialias=a)[0] for a in (False, True))
    sigma = (280 / 64 / 2 - 1) / 2
    wanted = gaussian_filter(image.astype(float), (sigma, sigma, 0), mode='nearest').round().astype(np.uint8)
    wanted = crops.crop_image(wanted, (200, 150), 280, 64)[0]
    assert np.abs(blurred.astype(int) - wanted).max() <= 2
    assert plain.std() > 1.5 * blurred.std()
    kept = [crops.crop_image(image, (200, 150), 120, 64, antialias=a)[0] for a in (False, True)]
    np.testing.assert_array_equal(*kept)


def test_colour_factors_scale_the_channels():
    image = np.full((2, 4, 5, 3), 200, np.uint8)
    factors = np.array([[1, 1, 1], [0.8, 1.1, 1.5]])
    pixels = np.moveaxis(crops.normalize_image(image, factors), 1, -1) * crops.IMAGE_STD + crops.IMAGE_MEAN
    np.testing.assert_allclose(pixels[:, 0, 0] * 255, [[200, 200, 200], [160, 220, 255]], atol=1e-3)


def test_box_contains_the_confident_keypoints():
    keypoints = np.array([[10., 20], [40, 30], [500, 500]])
    center, size = crops.box_from_keypoints(keypoints, np.array([1, 0.9, 0.2]))
    assert center.tolist() == [25, 25] and size == pytest.approx(30 * 2 * 256 / 192)
    assert crops.box_from_keypoints(keypoints, np.array([1, 0.9, 0.2]), rescale=1, aspect=None)[1] == 30


def test_a_box_may_be_less_than_a_pixel():
    assert crops.box_from_keypoints(np.array([[7., 8], [7, 8.5]]), np.ones(2), 2, (192, 256))[1] == pytest.approx(1)
    transform = crops.crop_transform((7, 8), 0.5, 64)
    np.testing.assert_allclose(crops.apply_affine(np.array([[7., 8], [7.25, 8]]), transform), [[32, 32], [64, 32]],
                               atol=1e-3)


def test_a_camera_of_no_scale_is_as_far_as_the_official_one():
    none, box = torch.zeros(1, 3), torch.full((1, 2), 64.)
    assert crops.camera_translation(none)[0, 2] == pytest.approx(2 * 5000 / 1e-9)
    assert crops.camera_in_image(none, box, box[:, 0], 2 * box, 1000.)[0, 2] == pytest.approx(2 * 1000 / 1e-9)


def test_tight_boxes_by_hand():
    places = np.array([[10, 20], [40, 30], [35, 90], [20, 25], [500, 500]])
    confidence = np.array([[1, 1, 1, 0.6, 0.5], [1, 1, 1, 0.5, 0.5]])[..., None]  # the last does not count
    boxes = crops.keypoint_boxes(np.concatenate([np.tile(places, (2, 1, 1)), confidence], -1))
    np.testing.assert_array_equal(boxes, [[25, 55, 30, 70], [0, 0, 0, 0]])  # three are too few
    np.testing.assert_array_equal(crops.boxes_from_corners([[10, 20, 40, 90]]), [[25, 55, 30, 70]])
    assert boxes.dtype == np.float32


@pytest.mark.parametrize('axis', ['x', 'y'])
def test_a_crop_of_the_mirrored_image_is_the_mirrored_crop(axis):
    image = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    patch, transform = crops.crop_image(image, (50, 40), 33, 33, flip=True, flip_axis=axis)
    mirrored = image[:, ::-1] if axis == 'x' else image[::-1]
    center = (119 - 50, 40) if axis == 'x' else (50, 89 - 40)
    wanted, plain = crops.crop_image(np.ascontiguousarray(mirrored), center, 33, 33)
    np.testing.assert_array_equal(patch, wanted)
    place = np.array([[61., 37]])
    seen = np.array([[119 - 61., 37]]) if axis == 'x' else np.array([[61., 89 - 37]])
    np.testing.assert_allclose(crops.apply_affine(place, transform), crops.apply_affine(seen, plain), atol=1e-4)


def test_a_box_whose_corner_alone_is_inside_can_be_cut():
    image = np.full((90, 120, 3), 200, np.uint8)
    turned = 50 * np.sqrt(2)  # from the centre to a corner, along an axis of the image after an eighth of a turn
    assert crops.crop_image(image, (119 + turned - 5, 40), 100, 64, np.pi / 4)[0].any()
    for center in ((119 + turned + 1, 40), (-turned - 1, 40), (60, 89 + turned + 1), (60, -turned - 1)):
        with pytest.raises(ValueError, match='lies outside'):
            crops.crop_image(image, center, 100, 64, np.pi / 4)


def test_mistakes_are_told():
    image = np.zeros((90, 120, 3), np.uint8)
    with pytest.raises(ValueError, match='positive size, got .*size 0'):
        crops.crop_image(image, (5, 5), 0)
    with pytest.raises(ValueError, match='finite centre'):
        crops.crop_transform((np.nan, 5), 10)
    with pytest.raises(ValueError, match=r'\[200, 50\] and size 100 lies outside of the image of 120 x 90'):
        crops.crop_image(image, (200, 50), 100)
    with pytest.raises(ValueError, match='size 4000000000.0 is more than 16 times as large as the image of 120 x 90'):
        crops.crop_image(image, (50, 50), 4e9, antialias=True)  # would blur for minutes
    with pytest.raises(ValueError, match='got 1 of 3'):
        crops.box_from_keypoints(np.eye(3)[:, :2], np.array([1, 0.1, 0.1]))
    with pytest.raises(ValueError, match='got 3 of 3'):
        crops.box_from_keypoints(np.tile([1., 5], (3, 1)), np.ones(3))
