import numpy as np
import pytest
from helpers.evaluation_samples import random_take, run, windows

from mmegopose.evaluation import AccelerationMetric


def plain(takes, root):
    """Loops over frames and joints, millimetres."""
    errors = []
    for take in takes:
        for i in range(len(take['frame_ids']) - 2):
            rows, ids = [i, i + 1, i + 2], take['frame_ids'][i:i + 3]
            if (np.diff(ids) != 1).any() or not take['visible'][rows][:, root].all():
                continue
            for joint in range(take['gt'].shape[1]):
                if take['visible'][rows, joint].all():
                    poses = [1000 * (take[key][rows, joint] - take[key][rows][:, root].mean(1)) if root else
                             1000 * take[key][rows, joint] for key in ('pred', 'gt')]
                    pred, gt = (pose[2] - 2 * pose[1] + pose[0] for pose in poses)
                    errors.append(np.linalg.norm(pred - gt))
    return np.mean(errors), len(errors)


@pytest.fixture(scope='module')
def takes():
    rng = np.random.default_rng(0)
    return [random_take(rng, 'a', np.r_[0:40]), random_take(rng, 'b', np.r_[3:20, 22:30, 40:60:2])]


@pytest.mark.parametrize('root, joints', [(None, [11, 12]), ([0], [0]), ((), [])])
def test_equals_loops(takes, root, joints):
    expected, count = plain(takes, joints)
    assert count > 100
    found = run(AccelerationMetric(root), takes, windows(np.random.default_rng(1), takes))
    assert found == {'motion/ACCEL': pytest.approx(expected, rel=1e-12)}


def test_a_drift_of_equal_speed_is_none(takes):
    drifts = [take | dict(pred=take['gt'] + 0.01 * take['frame_ids'][:, None, None]) for take in takes]
    found = run(AccelerationMetric(()), drifts, windows(np.random.default_rng(1), drifts))
    assert found['motion/ACCEL'] < 1e-9


def test_no_three_frames_in_a_row():
    takes = [random_take(np.random.default_rng(0), 'c', np.r_[0:30:3])]
    assert run(AccelerationMetric(), takes, windows(np.random.default_rng(1), takes)) == {}
