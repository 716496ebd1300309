"""The benchmark of the lifting models and the plain references that it measures against."""
import re
import sys
from pathlib import Path

import pytest
import torch
from helpers.lifting_parity import recorded

sys.path.insert(0, str(Path(__file__).parents[2] / 'tools/analysis_tools'))

import benchmark_lifting  # noqa: E402
import plain_lifting  # noqa: E402


@pytest.mark.parametrize('name, model', [
    ('mixste_small', lambda: plain_lifting.PlainMixSTE(9, 48, 3, 4)),
    ('stcformer_small', lambda: plain_lifting.PlainSTCFormer(48, 2))])
def test_plain_references_give_the_official_output(name, model):
    weights, keypoints, joints = recorded(name)
    model = model().eval()
    model.load_state_dict(weights, strict=True)
    torch.testing.assert_close(model(keypoints), joints, atol=1e-5, rtol=0)


@pytest.mark.parametrize('name', ['mixste', 'stcformer'])
def test_both_sides_have_the_same_outputs_and_gradients(name):
    args = benchmark_lifting.parse_args(['--device', 'cpu', '--batch', '2'])
    pair = benchmark_lifting.Pair(name, 5, args, embed_dim=32, depth=2)
    torch.testing.assert_close(pair.ours(pair.keypoints), pair.plain(pair.keypoints), atol=1e-5, rtol=0)
    for network in (pair.ours, pair.plain):
        network(pair.keypoints).square().sum().backward()
    wanted = pair.convert({key: weight.grad for key, weight in pair.plain.named_parameters()})
    for key, weight in pair.model.named_parameters():
        torch.testing.assert_close(weight.grad, wanted[key], atol=1e-3, rtol=1e-3)


def test_windows_cover_a_video():
    video = torch.arange(20.0)[:, None, None].expand(20, 17, 2)
    windows, starts = benchmark_lifting.tail_windows(video, 8)
    assert starts.tolist() == [0, 8, 12]
    assert windows[..., 0, 0].tolist() == [list(range(start, start + 8)) for start in (0, 8, 12)]
    windows = benchmark_lifting.centre_windows(video, 5, torch.tensor([0, 10, 19]))
    assert windows[..., 0, 0].tolist() == [[0, 0, 0, 1, 2], [8, 9, 10, 11, 12], [17, 18, 19, 19, 19]]


@pytest.mark.slow
def test_every_part_prints_a_ratio(capsys):
    benchmark_lifting.main(['--device', 'cpu', '--models', 'stcformer', '--frames', '3', '--repeats', '1',
                            '--steps', '2', '--video-frames', '7', '--score-frames', '50'])
    head, *lines = capsys.readouterr().out.splitlines()
    assert 'engine torch' in head
    ratios = [float(re.search(r'([\d.]+) x ', line)[1]) for line in lines]
    assert len(ratios) == 1 + 1 + 2 + 2 + 2 + 2 and min(ratios) > 0
    assert {line.split()[0] for line in lines} == {'scores', 'forward', '7', 'memory', 'training', 'products'}


def test_a_video_shorter_than_the_window_is_refused():
    with pytest.raises(ValueError, match='--video-frames 2 is shorter than the window of 3 frames'):
        benchmark_lifting.main(['--device', 'cpu', '--models', 'stcformer', '--frames', '3', '--video-frames', '2',
                                '--parts', 'video'])
