"""Limbs whose sides a detector exchanges for a while: against all ways to name them, and on a walk from the side."""
import itertools

import numpy as np
import pytest

from mmegopose.commands._shared.prediction_notes import doubts
from mmegopose.inference import LiftingInferencer
from mmegopose.inference.inputs.poses_2d import exchanged_sides
from mmegopose.inference.inputs.poses_2d.exchanged_sides import EXCHANGE, LARGEST_STEP, RELUCTANCE, _cheapest_names
from mmegopose.structures import get_skeleton

COCO = get_skeleton('coco17')
LEGS, ARMS = (list(COCO.limb_flips[kind]) for kind in ('leg', 'arm'))


def walk(frames=90):
    """``(F,17,2)`` pixels of a walk seen from the side, in which legs and arms cross twice a second."""
    swing = np.sin(2 * np.pi * (np.arange(frames) + 7) / 30)  # limbs cross at 8, 23, ... 83
    points = np.zeros((frames, 17, 2))
    points[..., 0] = 300 + 4 * np.arange(frames)[:, None]
    for height, name, reach in ((150, 'shoulder', 5), (230, 'elbow', 30), (300, 'wrist', 60), (310, 'hip', 4),
                                (430, 'knee', 50), (550, 'ankle', 110)):
        for side, sign in (('left', 1), ('right', -1)):
            joint = COCO.index(f'{side}-{name}')
            points[:, joint, 1] = height
            points[:, joint, 0] += sign * reach * swing
    points[:, :5, 1] = 100
    return points + np.random.default_rng(0).normal(0, 1, points.shape)


def test_as_good_as_the_best_of_all_ways():
    rng = np.random.default_rng(3)
    for _ in range(20):
        first = rng.normal(0, 0.1, (9, 3, 2)).cumsum(0)
        sides = np.stack([first, rng.normal(0, 0.1, (9, 3, 2)).cumsum(0)], 1)
        sides[:, 1] = sides[:, 0][:, ::-1]

        def cost(names, sides=sides):
            points = sides[np.arange(9), names]
            steps = np.linalg.norm(points[2:] - 2 * points[1:-1] + points[:-2], axis=-1).clip(max=LARGEST_STEP)
            return steps.mean(1).sum() + RELUCTANCE * sum(names) + EXCHANGE * np.abs(np.diff(names)).sum()

        ways = [(0, 0, *names, 0, 0) for names in itertools.product((0, 1), repeat=5)]
        best = min(cost(np.array(way)) for way in ways)
        assert cost(_cheapest_names(sides, RELUCTANCE).astype(int)) == pytest.approx(best, abs=1e-9)


def test_a_walk_has_none_and_exchanged_frames_are_found():
    points = walk()
    seen = np.ones(points.shape[:2], bool)
    assert not any(found.any() for found in exchanged_sides(points, seen, COCO, 30).values())
    wrong = points.copy()
    for rows, flip in ((slice(19, 27), LEGS), (slice(47, 48), LEGS), (slice(58, 66), ARMS)):
        wrong[rows] = wrong[rows][:, flip]
    found = exchanged_sides(wrong, seen, COCO, 30)
    assert np.flatnonzero(found['leg']).tolist() == [*range(19, 27), 47]
    assert np.flatnonzero(found['arm']).tolist() == list(range(58, 66))


def test_what_is_not_seen_to_jump_twice_stays():
    points, seen = walk()[np.full(90, 15)], np.ones((90, 17), bool)  # somebody who stands still
    for rows in (slice(0, 30), slice(60, 90)):
        wrong = points.copy()
        wrong[rows] = wrong[rows][:, LEGS]
        assert not exchanged_sides(wrong, seen, COCO, 30)['leg'].any()
    wrong = points.copy()
    wrong[41:50] = wrong[41:50][:, LEGS]
    assert exchanged_sides(wrong, seen, COCO, 30)['leg'].sum() == 9
    one_side = seen.copy()
    one_side[:, [COCO.index(f'left-{name}') for name in ('hip', 'knee', 'ankle')]] = False
    behind_a_hole = seen.copy()
    behind_a_hole[39:43] = False
    for hidden in (one_side, behind_a_hole, ~seen):
        assert not exchanged_sides(wrong, hidden, COCO, 30)['leg'].any()
    assert not exchanged_sides(points[:3], seen[:3], COCO, 30)['leg'].any()


def test_the_inferencer_puts_them_back_and_says_so():
    points = np.concatenate([walk(), np.ones((90, 17, 1))], -1).astype(np.float32)
    wrong = points.copy()
    wrong[19:26] = wrong[19:26][:, LEGS]
    lift = LiftingInferencer(model='lifter', progress=False)
    options = dict(image_size=(1000, 800), fps=30)
    truth, = lift(points, **options)
    mended, = lift(wrong, **options)
    kept, = lift(wrong, **options, sides='keep')
    np.testing.assert_allclose(mended.joints, truth.joints, atol=1e-6)  # memory layouts differ
    np.testing.assert_allclose(mended.keypoints, truth.keypoints, atol=1e-4)
    assert not np.allclose(kept.joints, truth.joints)
    assert mended.provenance['input']['exchanged_sides'] == dict(leg=7)
    assert 'exchanged_sides' not in truth.provenance['input'] and 'exchanged_sides' not in kept.provenance['input']
    assert 'left and right, of legs in 7 frames; they were put back' in doubts([mended])[0]
    with pytest.raises(ValueError, match="sides='both' should be"):
        lift(points, **options, sides='both')
