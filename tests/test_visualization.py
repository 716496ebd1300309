import json

import numpy as np
import pytest

from mmegopose.structures import get_skeleton
from mmegopose.visualization import draw_poses, plot_training, read_scalars

SKELETON = get_skeleton('coco17')


def test_flip_swaps_left_and_right():
    flip = SKELETON.flip
    assert flip[0] == 0 and [flip[flip[j]] for j in range(17)] == list(range(17))
    assert SKELETON.joints[flip[5]] == 'right-shoulder'


def test_poses_are_drawn_bone_by_bone():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(3, 17, 3))
    visible = np.ones((3, 17), bool)
    visible[1, 15] = visible[2] = False
    figure = draw_poses(truth + [0.03, 0.04, 0], truth, visible, SKELETON, ['a', 'b', 'c'])
    bones = len(SKELETON.edges)
    assert [len(axes.lines) for axes in figure.axes] == [2 * bones, 2 * bones - 1, bones]
    assert [axes.get_title() for axes in figure.axes] == ['a  5.0 cm', 'b  5.0 cm', 'c']


def write_log(folder, name, entries, tail=''):
    path = folder / name / 'vis_data/scalars.json'
    path.parent.mkdir(parents=True)
    path.write_text('\n'.join(json.dumps(entry) for entry in entries) + tail)


def test_a_resumed_run_continues_the_curve(tmp_path):
    write_log(tmp_path, '20260101_000000', [dict(loss=3.0, step=1), dict(loss=2.0, step=2)], '\n{"loss": 1.')
    write_log(tmp_path, '20260102_000000',
              [dict(loss=1.5, step=2), dict(loss=1.0, step=3), {'body/MPJPE': 9.0, 'step': 3}])
    curves = read_scalars(tmp_path)
    assert curves['loss'] == {1: 3.0, 2: 1.5, 3: 1.0}
    left, right = plot_training(dict(run=tmp_path)).axes
    assert left.lines[0].get_ydata().tolist() == [3.0, 1.5, 1.0] and right.lines[0].get_ydata().tolist() == [9.0]


def test_missing_log_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='work dir of a training run'):
        read_scalars(tmp_path)
