"""The open lifting benchmark: virtual cameras and the model of a detector."""
import numpy as np
import pytest

from mmegopose.datasets import MocapLiftingDataset
from mmegopose.datasets.mocap_sequences import MocapSequences
from mmegopose.datasets.shipped_motion import ASSET
from mmegopose.structures import get_skeleton
from mmegopose.synthesis.lifting.detector import detect
from mmegopose.synthesis.lifting.views import VIEW_FOCAL, VIEW_SIZE


def dataset(**kwargs):
    return MocapLiftingDataset(split='val', test_mode=True, protocol='overlap', num_frames=27, **kwargs)


def test_keypoints_are_projections_of_the_joints():
    frames = dataset(noise=False).store.frames
    seen = frames['joints'].astype(float) + frames['root'][:, None]
    projected = 2 * VIEW_FOCAL / VIEW_SIZE * seen[..., :2] / seen[..., 2:]
    np.testing.assert_allclose(frames['keypoints'][..., :2], projected, atol=1e-5)
    assert (np.abs(projected) < 1).all() and (seen[..., 2] > 1).all() and (frames['keypoints'][..., 2] == 1).all()


def test_views_are_rigid_and_upright():
    store = dataset(noise=False, views=3).store
    clip = next(clip for clip in MocapSequences.load(ASSET) if clip.split == 'val')
    assert len(store) == 3 and {s['uid'] for s in store.sequences} == {f'{clip.name}/{view}' for view in range(3)}
    world = clip.joints_h36m - clip.joints_h36m[:, :1]
    for begin, end in zip(store.offsets, store.offsets[1:]):
        seen = store.frames['joints'][begin:end]
        np.testing.assert_allclose(np.linalg.norm(seen, axis=-1), np.linalg.norm(world, axis=-1), atol=1e-5)
        assert np.corrcoef(seen[..., 1].ravel(), world[..., 2].ravel())[0, 1] < -0.9  # y points down


def test_equal_calls_give_equal_data():
    first, second = dataset(), dataset()
    for key, array in first.store.frames.items():
        assert np.array_equal(array, second.store.frames[key]), key


def test_detector_errs_like_a_detector():
    points = np.full((20000, 17, 2), 500.0)
    points[:, :, 1] += np.linspace(-200, 200, 17)  # a person of 400 pixels
    found = detect(points, 30, 'h36m17', np.random.default_rng(0))
    legs = slice(1, 7)
    error = found[..., :2] - points
    distance = np.linalg.norm(error, axis=-1)
    assert 2 < np.median(distance) < 8 and np.median(distance[:, 13]) > 1.4 * np.median(distance[:, 8])
    assert np.corrcoef(distance.ravel(), found[..., 2].ravel())[0, 1] < -0.5
    step = np.diff(error[:, 7:, 0], axis=0)
    assert step.std() < 0.8 * error[:, 7:, 0].std()  # neighbouring frames err alike
    flip = list(get_skeleton('h36m17').flip)
    swapped = np.linalg.norm(found[..., :2] - points[:, flip], axis=-1)[:, legs].max(1) < 40
    far = distance[:, legs].min(1) > 40
    assert 0.001 < (swapped & far).mean() < 0.02  # legs exchanged now and then


def test_wrong_sources_are_named(tmp_path):
    with pytest.raises(ValueError, match='is a folder; MocapLiftingDataset reads an .npz'):
        MocapLiftingDataset(data_root=tmp_path)
    with pytest.raises(ValueError, match="has no sequence of the split 'test'"):
        MocapLiftingDataset(split='test')
