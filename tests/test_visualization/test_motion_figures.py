from dataclasses import replace

import numpy as np
import pytest
from helpers.standing_motions import head_of, standing
from matplotlib import colormaps
from matplotlib.collections import LineCollection

from mmegopose.motion import Motion
from mmegopose.structures import get_skeleton
from mmegopose.visualization import draw_motion, write_video

EDGES = get_skeleton('coco17').edges


def lines(figure, linewidth=3):
    """Colours and ends of what is drawn with this width, one array for each skeleton."""
    world = figure.axes[0]
    return [(np.array(c.get_colors()), np.array(c.get_segments())) for c in world.collections
            if isinstance(c, LineCollection) and c.get_linewidths()[0] == linewidth and c.get_zorder() > 5]


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts] + [text.get_text() for text in figure.texts]


def test_who_stays_is_drawn_side_by_side_from_left_to_right():
    figure = draw_motion(standing(61), num_poses=4)
    drawn = lines(figure)
    assert [len(segments) for _, segments in drawn] == [len(EDGES)] * 4
    middles = sorted(segments[..., 0].mean() for _, segments in drawn)
    assert min(np.diff(middles)) > 60
    assert {'0.0 s', '0.7 s', '1.3 s', '2.0 s'} <= set(texts(figure))
    assert any('moved apart' in text for text in texts(figure)) and len(figure.axes) == 1
    assert {'left', 'right'} == {text.get_text() for text in figure.axes[0].get_legend().get_texts()}


def test_who_goes_is_drawn_where_they_go_with_the_path_of_the_head():
    motion = standing(61)
    object.__setattr__(motion, 'joints', motion.joints + np.linspace(0, 8, 61)[:, None, None] * [1.0, 0, 0])
    motion = Motion(motion.time, motion.joints, 'coco17', head_pose=head_of(motion))
    figure = draw_motion(motion, num_poses=4)
    assert not any('moved apart' in text for text in texts(figure))
    path = figure.axes[0].lines[0].get_xdata()
    assert len(path) == 61 and (np.diff(path) > 0).all()  # time goes from left to right
    drawn = [segments[..., 0].mean() for _, segments in lines(figure)]
    assert max(drawn) - min(drawn) == pytest.approx(path[-1] - path[0], rel=0.1)


def test_bones_have_the_colour_of_their_error():
    truth, motion = standing(31), standing(31)
    joints = motion.joints.copy()
    joints[:, 15, 0] += 0.08  # an ankle: the bone to it is off by 4 cm on average
    figure = draw_motion(Motion(motion.time, joints, 'coco17'), truth=truth, num_poses=2)
    world, bar, curve = figure.axes[0], *figure.axes[1:]
    assert bar.get_ylabel() == 'joint error (cm)' and bar.get_ylim() == (0, 10)
    colors, _ = lines(figure)[0]
    expected = [colormaps['plasma_r'](0.4 if 15 in edge else 0.0)[:3] for edge in EDGES]
    np.testing.assert_allclose(colors[:, :3], expected, atol=0.01)
    assert len(lines(figure, 4.5)) == 2  # the truth
    np.testing.assert_allclose(curve.lines[0].get_ydata(), 8 / 17, atol=1e-6)
    assert curve.get_ylabel() == 'mean error (cm)' and curve.get_xlabel() == 'time (s)'
    assert curve.get_title(loc='right').endswith('0.5 cm') and world.get_legend() is not None


def test_holes_are_told_and_not_drawn():
    valid = np.ones((40, 17), bool)
    valid[10:20] = False
    motion = standing(40, valid=valid, person='wearer')
    figure = draw_motion(motion, truth=standing(40))
    assert any(text == 'wearer: 40 frames in 1.3 s, 25% of the frames have no pose' for text in texts(figure))
    times = [float(text[:-2]) for text in texts(figure) if text.endswith(' s') and text[0].isdigit()]
    assert len(times) == 7 and not any(0.35 < time < 0.62 for time in times)
    assert figure.axes[2].collections  # rose


def test_several_people_are_drawn_at_one_time():
    crowd = [standing(3, shift=(k % 8, k // 8, 0)) for k in range(40)]
    figure = draw_motion(crowd)
    assert len(lines(figure)) == 40 and '40 people' in texts(figure)
    apart = draw_motion([standing(3, person='0').to_root(), standing(3, person='Ann').to_root()])
    first, second = (segments[..., 0].mean() for _, segments in lines(apart))
    assert abs(first - second) > 60 and {'person 0', 'Ann'} <= set(texts(apart))


@pytest.mark.parametrize('motion', [
    standing(1), standing(2),
    Motion(np.zeros(1), np.random.default_rng(0).normal(0, 0.05, (1, 21, 3)), 'hand21', frame='camera'),
    Motion(np.arange(2.0), np.zeros((2, 17, 3)), 'coco17')])
def test_short_motions_and_points_are_drawn(motion, tmp_path):
    draw_motion(motion).savefig(tmp_path / 'a.png')
    draw_motion(motion, truth=motion).savefig(tmp_path / 'b.png')


def test_motion_without_a_pose_is_an_error():
    empty = Motion(np.arange(3.0), np.full((3, 17, 3), np.nan), 'coco17', person='wearer')
    for motions in (empty, [empty, empty], standing(5)[:0]):
        with pytest.raises(ValueError, match='no valid pose to draw'):
            draw_motion(motions)


def test_words_of_a_file_are_no_formulas(tmp_path):
    people = [replace(standing(3), person=person) for person in ('a$b$ $\\frac{$', '$\\foo$')]
    figure = draw_motion(people, title='$\\sqrt$ of $')
    figure.savefig(tmp_path / 'a.png')
    assert {'$\\sqrt$ of $', '$\\foo$'} <= set(texts(figure))


@pytest.mark.parametrize('show', [draw_motion, lambda motion, truth: write_video(motion, 'never.gif', truth=truth)])
def test_a_truth_of_another_time_is_an_error(show):
    for truth in (standing(5)[:0], replace(standing(5), time=np.arange(5) + 100.0)):
        with pytest.raises(ValueError, match='no time in common'):
            show(standing(5), truth=truth)
