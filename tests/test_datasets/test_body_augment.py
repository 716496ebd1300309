"""Bodies of other proportions and with other arms: what changes, what stays, and what the head track does with it."""
import numpy as np
import pytest
import torch

from mmegopose.config_files import find_config
from mmegopose.engine.config import load_config
from mmegopose.registry import DATASETS
from mmegopose.structures import get_skeleton

KEYS = range(0, 500, 25)
COCO = get_skeleton('coco17')
UPPER, LEGS, HEAD = [7, 8, 9, 10], [11, 12, 13, 14, 15, 16], [0, 1, 2, 3, 4]
BONES = [(5, 7), (6, 8), (7, 9), (8, 10)]


@pytest.fixture(scope='module')
def config():
    return load_config(find_config('mmegopose::head_pose/head_wrists_body.py'))


def world(config, *steps, store=None, **options):
    """The batch in the world, after the steps."""
    caught = {}
    data = DATASETS.build(config.val_dataloader.dataset | dict(
        pipeline=[*steps, caught.update, *config.target]) | options)
    if store is not None:
        data.bind(store(data.store))
    data.__getitems__(KEYS)
    return caught


def lengths(joints, bones=BONES):
    return torch.stack([(joints[:, :, a] - joints[:, :, b]).norm(dim=-1) for a, b in bones], -1)


def test_other_arms_are_as_long_as_the_own(config):
    plain, other = world(config), world(config, dict(type='OtherArms', prob=1.0))
    rest = [joint for joint in range(17) if joint not in UPPER]
    assert torch.equal(plain['joints'][:, :, rest], other['joints'][:, :, rest])
    assert torch.equal(plain['head_pose'], other['head_pose'])
    swapped = (plain['joints'] != other['joints']).any(-1)[:, :, UPPER].all(-1).all(-1)
    assert swapped.float().mean() > 0.5
    assert (plain['joints'] - other['joints'])[swapped][:, :, [9, 10]].norm(dim=-1).mean() > 0.1
    torch.testing.assert_close(lengths(other['joints']).mean(1), lengths(plain['joints']).mean(1), atol=1e-3, rtol=0)
    # A movement goes on as smoothly as before.
    step = [x['joints'][swapped][:, :, [9, 10]].diff(dim=1).norm(dim=-1).max() for x in (plain, other)]
    assert step[1] < 2 * step[0]


def test_a_share_has_other_arms(config):
    plain, other = world(config), world(config, dict(type='OtherArms', prob=0.5))
    share = (plain['joints'] != other['joints']).any(-1).any(-1).any(-1).float().mean()
    assert 0.2 < share < 0.8
    assert torch.equal(world(config, dict(type='OtherArms', prob=0.0))['joints'], plain['joints'])


def test_proportions_keep_legs_and_lift_the_head(config):
    plain, other = world(config), world(config, dict(type='BodyProportions', torso=0.2, arms=0.2))
    assert torch.equal(plain['joints'][:, :, LEGS], other['joints'][:, :, LEGS])
    ratio = lengths(other['joints']) / lengths(plain['joints'])  # (B, T, 4)
    torch.testing.assert_close(ratio, ratio[:, :1, :1].expand_as(ratio))
    assert 0.8 < ratio.min() < 0.95 and 1.05 < ratio.max() < 1.2
    lift = (other['joints'] - plain['joints'])[:, :, HEAD + [5, 6]]
    torch.testing.assert_close(lift, lift[:, :, :1].expand_as(lift), atol=1e-9, rtol=0)
    for key in ('head_pose', 'T_world_camera', 'head_pose_before'):
        moved = other[key] - plain[key]
        torch.testing.assert_close(moved[..., :3, 3], lift[:, :, 0], atol=1e-9, rtol=0)
        assert (moved[..., :3, :3] == 0).all()

    def spine(batch):
        return (batch['joints'][:, :, [5, 6]].mean(2) - batch['joints'][:, :, [11, 12]].mean(2)).norm(dim=-1)

    torso = spine(other) / spine(plain)
    torch.testing.assert_close(torso, torso[:, :1].expand_as(torso))
    assert 0.8 < torso.min() < 0.95 and 1.05 < torso.max() < 1.2
    assert (other['head_peak'] >= other['head_pose'][..., 2, 3]).all()
    upright = lift[..., 0, 2].abs().amax(1)
    assert ((other['head_peak'] - plain['head_peak']).abs().amax(1) <= upright + 0.12).all()


@pytest.mark.parametrize('step', [dict(type='OtherArms', prob=1.0), dict(type='BodyProportions', torso=0.2, arms=0.2)])
def test_tracked_wrists_go_with_the_arms(config, step):
    def tracked(store):
        label = np.asarray(store.frames['label'])
        places = store.tables['joints'][np.maximum(label, 0)][:, [9, 10]].astype(float)
        return store.extended(dict(wrists=np.where((label >= 0)[:, None, None], places, np.nan)))

    batch = world(config, step, store=tracked)
    seen = batch['wrists'].isfinite().all(-1)
    assert seen.any()
    torch.testing.assert_close(batch['wrists'][seen], batch['joints'][:, :, [9, 10]][seen])


@pytest.mark.parametrize('step', [dict(type='OtherArms', prob=0.5), dict(type='BodyProportions')])
def test_they_depend_on_seed_and_key_only(config, step):
    data = DATASETS.build(config.val_dataloader.dataset | dict(pipeline=[step, *config.target]))
    whole = data.__getitems__(KEYS)['data_samples'].joints
    for row in (0, 9):
        assert torch.equal(whole[row], data.__getitems__([KEYS[row]])['data_samples'].joints[0])
    assert not torch.equal(whole, data.__getitems__([key + len(data) for key in KEYS])['data_samples'].joints)


@pytest.mark.parametrize('step', [dict(type='OtherArms', prob=1.0), dict(type='BodyProportions')])
def test_bodies_without_labels_stay(config, step):
    def unlabelled(store):
        views = store.tables['views'].copy()
        views[:, 9] = 0  # no left wrist
        store.tables['views'] = views
        return store

    plain, other = (world(config, *steps, store=unlabelled) for steps in ((), (step,)))
    assert torch.equal(plain['joints'], other['joints']) and torch.equal(plain['head_pose'], other['head_pose'])


@pytest.mark.parametrize('kind', ['OtherArms', 'BodyProportions'])
def test_labels_of_the_last_frame_are_too_few(config, kind):
    with pytest.raises(ValueError, match=f"{kind} needs the labels of all 20 frames: target_frames='all'"):
        world(config, dict(type=kind), target_frames='last')
