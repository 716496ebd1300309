"""Exported modules against the inferencers; in PyTorch, and slowly in ONNX Runtime."""
import numpy as np
import pytest
import torch
from helpers.tiny_models import HEAD, LIFT, model_folder

from mmegopose.export import export_model, ported
from mmegopose.export.example_tracks import swinging_wrists, walking_heads
from mmegopose.export.exporting import all_facts
from mmegopose.geometry.conventions import UNITS
from mmegopose.inference import load_inferencer
from mmegopose.registry import HEADS, NECKS, TRANSFORMS

BASELINE = """
_base_ = 'mmegopose::head_pose/levelwise_vit_coarse_only.py'
model = dict(backbone=dict(depth=1, embed=dict(in_dim=3)))
_pipeline = [dict(type='TargetFrame', frame='camera'), dict(type='HeadPoseFeatures', kind='translation'),
             dict(type='PackInputs', padding_mask=True)]
test_dataloader = dict(dataset=dict(windows=dict(_delete_=True, type='AnnotatedWindows', num_frames=20),
                                    pipeline=_pipeline))
"""
DELTA = HEAD + """
model['backbone']['embed'] = dict(in_dim=24)
test_dataloader = dict(dataset=dict(pipeline=[dict(type='TargetFrame', frame='world'), dict(
    type='HeadPoseFeatures', kind='pose_delta'), dict(type='PackInputs')]))
"""
WRISTS = """
_base_ = 'mmegopose::head_pose/head_wrists_body.py'
model = dict(backbone=dict(depth=1))
"""
FLIP = LIFT.replace("neck=dict(", "test_cfg=dict(flip='h36m17'), neck=dict(")
MIXSTE = FLIP.replace("neck=dict(type='STC', embed_dim=16, depth=1, num_heads=2)",
                      "neck=dict(type='MixSTE', embed_dim=16, depth=1, num_heads=2, num_frames=9)")
PADDED = FLIP.replace('confidence=True', 'confidence=True, padding_mask=True')
HAND = "_base_ = 'mmegopose::mesh/extpose-tiny_synthetic-hand.py'\nmodel = dict(backbone=dict(init_cfg=None))\n"
HAND_ARRAY = HAND.replace('extpose-tiny', 'pose-array-tiny').replace('model = dict(backbone=dict(init_cfg=None))\n', '')
HAND_HEATMAP = HAND_ARRAY.replace('pose-array-tiny', 'pose-heatmap-tiny')
ALL = dict(
    baseline=(BASELINE, {}), delta=(DELTA, dict(preset='unreal', device='aria_gen1')),
    wrists=(WRISTS, {}), wrists_unreal=(WRISTS, dict(preset='unreal', device='aria_gen1')),
    inverse=(HEAD, dict(direction='world_to_camera', unit='mm')),
    lift=(FLIP, dict(skeleton='coco17')), no_flip=(FLIP, dict(flip=False, fps=10)), mixste=(MIXSTE, {}),
    padded=(PADDED, {}), hand=(HAND, {}), array=(HAND_ARRAY, {}), heatmap=(HAND_HEATMAP, {}))


def load(folder, text, **options):
    inferencer = load_inferencer(model=model_folder(folder / 'model', text), device='cpu', progress=False)
    if text == WRISTS:  # fresh weights look at the newest frame alone, which would hide mistakes in the state
        for parameter in inferencer.model.parameters():
            torch.nn.init.normal_(parameter, std=0.1)
    return ported(inferencer, **options)


def in_torch(module):
    """The module itself in place of an exported file."""
    def run(inputs):
        with torch.inference_mode():
            outputs = module(*(torch.from_numpy(np.asarray(inputs[name])) for name in module.ports_in))
        return {name: value.numpy() for name, value in zip(module.ports_out, outputs, strict=True)}
    return run


@pytest.mark.parametrize('name', ALL)
def test_a_module_gives_what_the_inferencer_gives(name, tmp_path):
    text, options = ALL[name]
    module = load(tmp_path, text, **options)
    run = in_torch(module)
    assert module.difference(run) < 2e-5
    outputs = run({port: value.numpy() for port, value in zip(module.ports_in, module.example(3))})
    assert {key: (3, *port.shape[1:]) for key, port in module.ports_out.items() if 'T' not in port.shape} == {
        key: outputs[key].shape for key, port in module.ports_out.items() if 'T' not in port.shape}
    assert all(outputs[key].dtype == torch.empty(0, dtype=port.dtype).numpy().dtype
               for key, port in module.ports_out.items())

    millimetre = 1e-3 / UNITS[module.facts().get('unit', 'm')]

    def shifted(inputs):  # and it would tell
        return run(inputs) | dict(joints=run(inputs)['joints'] + np.float32(millimetre))
    assert 5e-4 < module.difference(shifted) < 2e-3
    assert all_facts(module)['joint_names'][0]


@pytest.mark.slow
@pytest.mark.parametrize('name', ['baseline', 'delta', 'wrists_unreal', 'lift', 'mixste', 'padded', 'hand', 'array',
                                  'heatmap'])
def test_an_exported_file_gives_what_the_inferencer_gives(name, tmp_path):
    text, options = ALL[name]
    exported = export_model(load(tmp_path, text, **options), tmp_path / 'model.onnx')
    assert 0 < exported.difference < 1e-4


def wrist_inputs(module, **change):
    inputs = {name: value.numpy() for name, value in zip(module.ports_in, module.example(2))}
    return inputs | {name: np.asarray(value, inputs[name].dtype) for name, value in change.items()}


def test_wrists_move_the_body_and_those_not_seen_do_not(tmp_path):
    module = load(tmp_path, WRISTS, unit='mm')
    run, seen = in_torch(module), np.ones((2, 2), bool)
    places = module.example(2)[0].numpy()[:, None, :3, 3] + [[100, 300, -500], [200, -300, -400]]
    both = run(wrist_inputs(module, wrists=places, wrists_detected=seen))
    assert both['next_wrists_detected'][:, -1].all() and not both['next_wrists_detected'][:, :-1].any()
    np.testing.assert_allclose(both['next_wrists'][:, -1], places / 1000, atol=1e-5)
    moved = run(wrist_inputs(module, wrists=places + [[0], [100]], wrists_detected=seen))
    assert np.abs(moved['joints'] - both['joints']).max() > 0.1

    lost = np.where([[True], [False]], places, np.nan)
    left = run(wrist_inputs(module, wrists=lost, wrists_detected=seen))
    assert np.abs(left['joints'] - both['joints']).max() > 0.1
    for value, detected in ((np.nan, [True, False]), (np.inf, True), (1e9, [True, False]), (0, [True, False])):
        other = run(wrist_inputs(module, wrists=np.where([[True], [False]], places, value),
                                 wrists_detected=seen & detected))
        for name in other:  # nor do they stay in the state
            np.testing.assert_array_equal(other[name], left[name])
            assert np.isfinite(other[name]).all()


def test_a_file_says_what_the_wrists_are(tmp_path):
    facts = all_facts(load(tmp_path / 'a', WRISTS, preset='openxr'))
    wrists, detected = facts['inputs']['wrists'], facts['inputs']['wrists_detected']
    assert wrists['shape'] == ['B', 2, 3] and detected['shape'] == ['B', 2] and detected['dtype'] == 'bool'
    assert all(word in wrists['meaning'] for word in ('left and right wrist', 'y up', 'NaN: not seen'))
    assert facts['state']['wrists_before'] == 'next_wrists'
    assert facts['state']['wrists_detected_before'] == 'next_wrists_detected'
    alone = all_facts(load(tmp_path / 'b', HEAD))
    assert len(alone['inputs']) == 4 and len(alone['outputs']) == 4 and len(alone['state']) == 3


def test_tracks_to_compare_on_have_every_case():
    seen = np.isfinite(swinging_wrists(walking_heads(3, 90))).all(-1)
    assert {tuple(hands) for hands in seen[0]} == {(True, True), (True, False), (False, True), (False, False)}
    assert {tuple(hands) for hands in seen[1]} == {(True, False), (False, False)} and not seen[2].any()


def test_the_comparison_tells_wrists_that_are_left_out(tmp_path):
    module = load(tmp_path, WRISTS)
    run = in_torch(module)
    for name in ('wrists_detected', 'wrists_before', 'wrists_detected_before'):
        def without(inputs, name=name):
            return run(inputs | {name: np.zeros_like(inputs[name])})
        assert module.difference(without, sizes=((3, 50),)) > 1e-3, name


def test_wrists_that_get_lost_by_chance_cannot_be_exported(tmp_path):
    text = WRISTS + ("test_dataloader = dict(dataset=dict(pipeline=[dict(type='WristPlaces', lost_hands=0.5), dict("
                     "type='TargetFrame', frame='heading'), dict(type='HeadPoseFeatures', kind='gravity_aligned'), "
                     "dict(type='PackInputs')]))")
    with pytest.raises(ValueError, match="WristPlaces needs 'random' of the batch, .* of the head and wrists come in"):
        load(tmp_path, text)


def test_windows_of_any_length_where_the_method_takes_them(tmp_path):
    assert load(tmp_path / 'a', FLIP).ports_in['keypoints'].shape == ('B', 'T', 17, 3)
    module = load(tmp_path / 'b', MIXSTE)
    assert module.ports_in['keypoints'].shape == ('B', 9, 17, 3) and module.facts()['num_frames'] == 9


def test_flip_can_be_left_out(tmp_path):
    with_flip, without = load(tmp_path / 'a', FLIP), load(tmp_path / 'b', FLIP, flip=False)
    inputs = with_flip.example(1)
    assert with_flip.facts()['flip'] and not without.facts()['flip']
    assert (with_flip(*inputs)[0] - without(*inputs)[0]).abs().max() > 1e-3
    with pytest.raises(ValueError, match='its mirror image is not known'):
        load(tmp_path / 'c', LIFT, flip=True)


def test_frames_in_which_most_is_not_there(tmp_path):
    module = load(tmp_path, FLIP)
    keypoints, size = module.example(1)
    keypoints[0, 4, 3:, 2] = 0
    keypoints[0, :, 6] = torch.nan
    module.longest_hole = 0
    joints, valid = module(keypoints, size)
    assert valid[0].tolist() == [True] * 4 + [False] + [True] * 4 and joints.isfinite().all()


class Branches(torch.nn.Module):
    def forward(self, tokens, mask=None):
        return tokens * 2 if tokens.sum() > 0 else tokens


class Decomposes(torch.nn.Module):
    def forward(self, tokens):
        return dict(joints=torch.linalg.svd(tokens)[0][..., :3] + 0 * tokens[..., :3])


@pytest.mark.slow
@pytest.mark.parametrize('change, message', [
    (dict(neck=dict(type='Branches', _delete_=True)), r'cannot be exported: .*\(in Branches, .*test_ported_modules.py'),
    (dict(head=dict(type='Decomposes', _delete_=True)), 'cannot be exported: .*svd')])
def test_what_has_no_form_is_named(change, message, tmp_path, monkeypatch):
    monkeypatch.setitem(NECKS._module_dict, 'Branches', Branches)
    monkeypatch.setitem(HEADS._module_dict, 'Decomposes', Decomposes)
    text = LIFT
    if 'neck' in change:
        text = LIFT.replace("neck=dict(type='STC', embed_dim=16, depth=1, num_heads=2)", "neck=dict(type='Branches')")
    else:
        start = text.index('head=dict(')
        text = text[:start] + "head=dict(type='Decomposes'))\n" + text[text.index('test_dataloader'):]
    with pytest.raises(ValueError, match=message):
        export_model(load(tmp_path, text), tmp_path / 'x.onnx')
    assert not (tmp_path / 'x.onnx').exists()


def test_a_transform_that_needs_more_than_poses_is_named(tmp_path, monkeypatch):
    class NeedsStore:
        def __call__(self, batch):
            return batch | dict(more=batch['store'].frames['gaze'])
    monkeypatch.setitem(TRANSFORMS._module_dict, 'NeedsStore', NeedsStore)
    text = HEAD + ("test_dataloader = dict(dataset=dict(pipeline=[dict(type='NeedsStore'), dict(type='TargetFrame'), "
                   "dict(type='HeadPoseFeatures'), dict(type='PackInputs')]))")
    with pytest.raises(ValueError, match="NeedsStore needs 'store' of the batch"):
        load(tmp_path, text)


def test_a_video_model_of_hands_is_refused(tmp_path):
    text = HAND + 'test_dataloader = dict(dataset=dict(num_frames=4))\n'
    with pytest.raises(ValueError, match='only models of single pictures'):
        load(tmp_path, text)
