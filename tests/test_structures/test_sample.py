import pytest
import torch

from mmegopose.structures import FIELDS, PoseDataSample, register_field

B, T = 2, 5
SIZES = dict(B=B, T=T, J=17, S=10, V=30)


@pytest.fixture
def declared():
    """Fields of a test are forgotten after it."""
    before = dict(FIELDS)
    yield
    FIELDS.clear()
    FIELDS.update(before)


def sample(**more):
    out = PoseDataSample()
    out.set_data({name: torch.randn([SIZES.get(size, size) for size in field.shape]) for name, field in FIELDS.items()})
    out.set_data(more)
    return out


def sample_of(**fields):
    out = PoseDataSample()
    out.set_data(fields)
    return out


def test_frames_are_cut_and_windows_kept():
    whole = sample(pred_joints=torch.randn(B, T, 17, 3), pred_spread=torch.randn(B, T))
    short = whole.last_frames(2)
    assert set(short.keys()) == set(whole.keys())
    for name, value in short.items():
        frames = FIELDS[name].per_frame if name in FIELDS else True
        assert torch.equal(value, whole.get(name)[:, -2:] if frames else whole.get(name)), name
    assert whole.num_frames == T and short.num_frames == 2
    with pytest.raises(ValueError, match=r"no field with a row per frame; it has \['person', 'sequence'\]"):
        assert sample_of(person=torch.zeros(B, 1), sequence=torch.zeros(B)).num_frames
    assert sample_of(person=torch.zeros(B, 1), betas=torch.zeros(B, T, 10)).num_frames == T
    assert short.sequence.shape == (B,) and short.pred_spread.shape == (B, 2) and whole.joints.shape[1] == T


def test_fields_of_a_plugin(declared):
    register_field('floor', ('B', 'T'), 'metres')
    register_field('activity', ('B', 16), 'probabilities')
    short = sample(floor=torch.randn(B, T), activity=torch.rand(B, 16), pred_activity=torch.rand(B, 16)).last_frames(1)
    assert short.floor.shape == (B, 1) and short.activity.shape == short.pred_activity.shape == (B, 16)
    register_field('floor', ('B', 'T'), 'metres')
    with pytest.raises(KeyError, match="field 'floor' .* declared already"):
        register_field('floor', ('B',), 'metres')


def test_an_undeclared_field_is_no_riddle():
    whole = sample(gait=torch.randn(B, 8), person=torch.arange(B))
    assert torch.equal(whole.last_frames(8).gait, whole.gait)  # nothing to cut
    with pytest.raises(ValueError, match=r"field 'gait' \(2, 8\) .* not declared.*register_field\('gait'"):
        whole.last_frames(1)


def test_packing_names_what_is_missing():
    batch = dict(joints=torch.zeros(B, T, 17, 3), visible=torch.ones(B, T, 17, dtype=torch.bool))
    packed = PoseDataSample.from_batch(batch, ('joints', 'visible'))
    assert set(packed.keys()) == {'joints', 'visible'} and packed.joints is batch['joints']
    with pytest.raises(KeyError, match=r"no field 'floor', 'gait' to pack; it has \['joints', 'visible'\]"):
        PoseDataSample.from_batch(batch, ('joints', 'floor', 'gait'))
