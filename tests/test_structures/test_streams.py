import pytest
import torch

from mmegopose.registry import STREAMS
from mmegopose.structures import Stream, find_stream, get_skeleton, mask_name, mirror_stream, register_stream

FLIP = list(get_skeleton('coco17').flip)
SIZES = dict(B=2, T=3, J=17, D=3, F=5, H=8, W=6, h=4, w=3)


def values(stream):
    shape = [SIZES.get(size, size) for size in stream.shape]
    return torch.rand(shape) > 0.3 if len(shape) == 2 or stream.name == 'detected' else torch.randn(shape)


@pytest.fixture
def declared():
    """Streams of a test are forgotten after it."""
    before = dict(STREAMS.module_dict)
    yield
    STREAMS.module_dict.clear()
    STREAMS.module_dict.update(before)


def test_masks_are_declared_themselves():
    for name, stream in STREAMS.module_dict.items():
        assert stream.name == name and stream.shape[:2] == ('B', 'T')
        assert stream.mask is None or find_stream(stream.mask).mask is None


@pytest.mark.parametrize('name', STREAMS.module_dict)
def test_the_mirror_image_of_a_mirror_image_is_the_stream(name):
    stream = find_stream(name)
    given = values(stream)
    if stream.mirror is None:
        with pytest.raises(ValueError, match=f"mirror image of the stream '{name}' is not known"):
            mirror_stream(name, given, FLIP)
    else:
        assert torch.equal(mirror_stream(name, mirror_stream(name, given, FLIP), FLIP), given)


def test_mirrored_keypoints_and_their_mask_stay_together():
    keypoints, detected = torch.zeros(1, 1, 17, 2), torch.zeros(1, 1, 17, dtype=torch.bool)
    keypoints[0, 0, 9], detected[0, 0, 9] = torch.tensor([0.5, 0.2]), True  # the left wrist
    mirrored, seen = mirror_stream('keypoints', keypoints, FLIP), mirror_stream('detected', detected, FLIP)
    assert seen[0, 0].nonzero().tolist() == [[10]]
    torch.testing.assert_close(mirrored[0, 0, 10], torch.tensor([-0.5, 0.2]))


def test_what_lies_to_the_left_lies_to_the_right_in_a_mirror():
    assert mirror_stream('gaze', torch.tensor([[[1., 2, 3]]]), FLIP).tolist() == [[[1, -2, 3]]]
    wrists = mirror_stream('wrists', torch.tensor([[[[1., 2, 3], [4, -5, 6]]]]), FLIP)
    assert wrists.tolist() == [[[[4, 5, 6], [1, -2, 3]]]]
    assert mirror_stream('wrists_detected', torch.tensor([[[True, False]]]), FLIP).tolist() == [[[False, True]]]
    picture = torch.arange(12.).reshape(1, 1, 1, 3, 4)
    for name in ('view', 'image'):
        assert mirror_stream(name, picture, FLIP)[0, 0, 0].tolist() == [[3, 2, 1, 0], [7, 6, 5, 4], [11, 10, 9, 8]]
    maps = torch.arange(17.)[:, None, None] + torch.tensor([[0, 0.5]])  # (J, 1, 2)
    mirrored = mirror_stream('pose_heatmap', maps[None, None], FLIP)
    assert mirrored[0, 0, :3, 0].tolist() == [[0.5, 0], [2.5, 2], [1.5, 1]]


def test_mask_of_a_stream():
    assert mask_name('keypoints') == 'detected' and mask_name('pose_array') == 'pose_detected'
    assert mask_name('head_pose') is None and mask_name('depth') == 'depth_valid'


def test_joints_of_another_skeleton_are_refused():
    with pytest.raises(ValueError, match="swaps 17 joints, the stream 'detected' has 15"):
        mirror_stream('detected', torch.ones(1, 1, 15, dtype=torch.bool), FLIP)


def test_a_name_is_declared_once(declared):
    wind = register_stream(Stream('wind', ('B', 'T', 6)))
    assert register_stream(Stream('wind', ('B', 'T', 6))) == wind == find_stream('wind')
    with pytest.raises(KeyError, match="'wind' is registered already"):
        register_stream(Stream('wind', ('B', 'T', 9)))
    assert register_stream(Stream('wind', ('B', 'T', 9)), force=True).shape[-1] == find_stream('wind').shape[-1] == 9
