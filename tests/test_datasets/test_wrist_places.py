"""Wrists beside the head track: where they come from, how they get lost, and what a model makes of a lost one."""
import numpy as np
import pytest
import torch

from mmegopose.config_files import find_config
from mmegopose.engine.config import load_config
from mmegopose.registry import DATASETS, MODELS, TRANSFORMS
from mmegopose.structures import mirror_stream

KEYS = range(0, 500, 50)
COCO_WRISTS = [9, 10]


@pytest.fixture(scope='module')
def config():
    return load_config(find_config('mmegopose::head_pose/head_wrists_body.py'))


def dataset(config, steps=(), **options):
    """The labelled frames of the sample, without any randomness but that of the steps."""
    return DATASETS.build(config.val_dataloader.dataset | dict(pipeline=[*steps, *config.target]) | options)


def wrists(config, steps=(), **options):
    inputs = dataset(config, steps, **options).__getitems__(KEYS)['inputs']
    return inputs['wrists'], inputs['wrists_detected']


def tracked(config, steps):
    """The same of hands that were tracked: those of the labels, 10 cm higher, the right one lost in every 7th frame."""
    data = dataset(config, steps, target_frames='last')
    label = np.asarray(data.store.frames['label'])
    places = np.where((label >= 0)[:, None, None], data.store.tables['joints'][label][:, COCO_WRISTS], np.nan)
    places = places.astype(float) + [0, 0, 0.1]
    places[::7, 1] = np.nan
    data.bind(data.store.extended(dict(wrists=places)))
    return data.__getitems__(KEYS)['inputs']


def test_wrists_of_the_labels(config):
    """The newest wrists are those of the target: its frame is that of the stream, too."""
    data = dataset(config, [dict(type='WristPlaces')]).__getitems__(KEYS)
    places, detected = data['inputs']['wrists'], data['inputs']['wrists_detected']
    joints, visible = (data['data_samples'].get(key)[:, -1, COCO_WRISTS] for key in ('joints', 'visible'))
    assert torch.equal(detected[:, -1], visible) and visible.any()
    torch.testing.assert_close(places[:, -1][visible], joints[visible], atol=1e-5, rtol=0)
    assert (places[~detected] == 0).all()


def test_tracked_hands_come_before_labels(config):
    places, detected = wrists(config, [dict(type='WristPlaces')])
    hands = tracked(config, [dict(type='WristPlaces')])
    seen = hands['wrists_detected']
    assert seen[..., 0].any() and not seen[..., 1].all() and (hands['wrists'][~seen] == 0).all()
    both = seen & detected
    torch.testing.assert_close(hands['wrists'][both], places[both] + torch.tensor([0, 0, 0.1]), atol=1e-5, rtol=0)


def test_the_place_and_heading_of_the_world_do_not_matter(config):
    for read in (lambda *steps: wrists(config, steps)[0], lambda *steps: tracked(config, list(steps))['wrists']):
        here = read(dict(type='WristPlaces'))
        there = read(dict(type='RandomHeading', shift=100.0), dict(type='WristPlaces'))
        torch.testing.assert_close(here, there, atol=1e-4, rtol=0)


@pytest.mark.parametrize('source', [lambda config, steps: dataset(config, steps).__getitems__(KEYS)['inputs'], tracked])
def test_a_mirrored_batch_has_mirrored_wrists(config, source):
    plain = source(config, [dict(type='WristPlaces')])
    for steps in (['Mirror', 'WristPlaces'], ['WristPlaces', 'Mirror']):
        steps = [dict(type=step, prob=1.0) if step == 'Mirror' else dict(type=step) for step in steps]
        mirrored = source(config, steps)
        for name in ('wrists', 'wrists_detected'):
            torch.testing.assert_close(mirrored[name], mirror_stream(name, plain[name], []), atol=1e-5, rtol=0)
    assert not torch.equal(mirrored['wrists'], plain['wrists'])


def test_a_bigger_body_has_wrists_farther_away(config):
    scale = dict(type='BodyScale', low=1.5, high=1.5)
    for read in (lambda *steps: wrists(config, steps)[0], lambda *steps: tracked(config, list(steps))['wrists']):
        plain, scaled = read(dict(type='WristPlaces')), read(scale, dict(type='WristPlaces'))
        torch.testing.assert_close(scaled, 1.5 * plain, atol=1e-4, rtol=0)


def test_hands_get_lost(config):
    def seen(**lost):
        return wrists(config, [dict(type='WristPlaces', **lost)])[1]

    everything = seen()
    assert not seen(lost_all=1.0).any() and not seen(lost_hands=1.0).any()
    share = seen(lost_frames=0.5)[everything].float().mean()
    assert 0.35 < share < 0.65
    hands = seen(lost_hands=0.5)
    never, other = ~hands.any(1), everything.any(1)
    assert (never & other).any() and torch.equal(hands.any(1, keepdim=True) & everything, hands)
    assert (hands.any(1)[:, 0] != hands.any(1)[:, 1]).any()  # one hand alone
    both = seen(lost_all=0.5).any(1)
    assert torch.equal(both[:, 0], both[:, 1]) or not everything.all()
    stretches = seen(lost_stretches=1.0) | ~everything
    changes = stretches.long().diff(dim=1).abs().sum(1)
    assert changes.max() <= 2 and (changes > 0).any()  # one stretch of each hand
    assert (~stretches[:, -1]).any() and stretches[:, -1].any()  # now, or before


def test_noise_is_drawn_per_frame_and_an_offset_per_window(config):
    plain, detected = wrists(config, [dict(type='WristPlaces')])
    noisy = wrists(config, [dict(type='WristPlaces', noise=0.01)])[0] - plain
    constant = wrists(config, [dict(type='WristPlaces', offset=0.01)])[0] - plain
    whole = detected.all(1)
    assert 0.007 < noisy[detected].std() < 0.013
    assert 0.004 < constant[detected].std() < 0.02
    constant = constant.transpose(1, 2)[whole]  # (hands, T, 3)
    torch.testing.assert_close(constant, constant[:, :1].expand_as(constant), atol=1e-5, rtol=0)


def test_losses_depend_on_seed_and_key_only(config):
    lost = dict(type='WristPlaces', lost_frames=0.3, lost_stretches=0.5, lost_hands=0.3, lost_all=0.3, noise=0.01,
                offset=0.01)
    data = dataset(config, [lost])
    whole = data.__getitems__(KEYS)['inputs']
    for row in (0, 7):
        alone = data.__getitems__([KEYS[row]])['inputs']
        assert all(torch.equal(whole[name][row], alone[name][0]) for name in ('wrists', 'wrists_detected'))
    other = dataset(config, [lost], seed=1).__getitems__(KEYS)['inputs']
    assert not torch.equal(whole['wrists_detected'], other['wrists_detected'])
    assert not torch.equal(whole['wrists'], data.__getitems__([key + len(data) for key in KEYS])['inputs']['wrists'])


def test_a_lost_wrist_is_as_none_at_all(config):
    """Whatever stands where a hand is not seen; and with no hand, the model is one of the head alone."""
    model = MODELS.build(config.model).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    lost = dict(type='WristPlaces', lost_frames=0.5)
    inputs = dataset(config, [lost]).__getitems__(KEYS)['inputs']
    with torch.no_grad():
        outputs = model(inputs)['joints']
        for number in (3.0, float('nan')):
            moved = torch.where(inputs['wrists_detected'][..., None], inputs['wrists'], number)
            assert torch.equal(model(dict(inputs, wrists=moved))['joints'], outputs)
        blind = dict(inputs, wrists_detected=torch.zeros_like(inputs['wrists_detected']))
        alone = model(dict(head_pose=inputs['head_pose']))['joints']
        torch.testing.assert_close(model(blind)['joints'], alone)
        assert (alone - outputs).abs().max() > 0.01


def test_a_prediction_of_the_mirrored_batch(config):
    """The stream, the head track and the labels are mirrored together, so that a model can learn from both alike."""
    steps = [dict(type='Mirror', prob=1.0), dict(type='WristPlaces')]
    data = dataset(config, steps).__getitems__(KEYS)
    joints, visible = (data['data_samples'].get(key)[:, -1, COCO_WRISTS] for key in ('joints', 'visible'))
    torch.testing.assert_close(data['inputs']['wrists'][:, -1][visible], joints[visible], atol=1e-5, rtol=0)


def test_mistakes_are_told(config):
    with pytest.raises(ValueError, match="no tracked hands.*all 20 frames: target_frames='all'"):
        wrists(config, [dict(type='WristPlaces')], target_frames='last')
    with pytest.raises(ValueError, match='before TargetFrame'):
        TRANSFORMS.build(dict(type='WristPlaces'))(dict())
    with pytest.raises(ValueError, match='lost_hands=1.5 should be a share'):
        TRANSFORMS.build(dict(type='WristPlaces', lost_hands=1.5))


def test_training(config):
    torch.manual_seed(0)
    model = MODELS.build(config.model)
    batch = DATASETS.build(config.train_dataloader.dataset).__getitems__(KEYS)
    model.parse_losses(model(**batch, mode='loss'))[0].backward()
    assert model.backbone.embed.wrists.weight.grad.abs().sum() > 0
