from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.egoexo_fixture import scored_frames, wearer
from helpers.track_files import in_preset, walk, write_csv, write_mps, write_tum

from mmegopose.datasets import EgoExo4DBodyDataset
from mmegopose.engine.config import load_config
from mmegopose.geometry.conventions import PRESETS, PoseConvention
from mmegopose.geometry.rigid import apply_rigid
from mmegopose.inference import HeadPoseInferencer
from mmegopose.inference.inputs.head_tracks import ImplausibleTrack, import_track, read_array_track
from mmegopose.motion import Motion
from mmegopose.registry import MODELS

CONFIG = Path(__file__).parents[2] / 'configs/head_pose/levelwise_vit_coarse_only.py'
TRACK = np.stack([wearer(f, True)[1] for f in range(200)])
ARIA = PoseConvention(camera='aria')


@pytest.fixture(scope='module')
def inferencer(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp('weights') / 'model.pth'
    torch.save(dict(state_dict=MODELS.build(load_config(CONFIG).model).state_dict()), path)
    inferencer = HeadPoseInferencer(str(CONFIG), str(path), device='cpu')
    inferencer.checkpoint = str(path)
    return inferencer


def predict(inferencer, track=TRACK, **options):
    motion, = inferencer(track, **{'fps': 30, 'camera': None if 'preset' in options else 'aria', **options})
    return motion


def test_predictions_equal_those_on_the_data_set(inferencer, egoexo):
    config = load_config(CONFIG, dict(data_root=str(egoexo)))
    dataset = EgoExo4DBodyDataset(**{k: v for k, v in config.test_dataloader.dataset.items() if k != 'type'})
    take = next(i for i, s in enumerate(dataset.store.sequences) if 'soccer' in s['name'])
    rows = np.flatnonzero(dataset.windows.sequence == take)
    sample = inferencer.model(**dataset.__getitems__(rows), mode='predict')[0]
    expected = apply_rigid(sample.T_world_target[:, -1], sample.pred_joints[:, -1].double()).detach()
    motion = predict(inferencer)
    assert motion.joints.shape == (200, 17, 3) and motion.valid.all() and motion.frame == 'world'
    np.testing.assert_allclose(motion.joints[scored_frames(dataset, take)], expected, atol=1e-5)


def test_camera_convention_and_rate_do_not_matter(inferencer):
    expected = predict(inferencer)
    other = PRESETS['unity'].from_standard(ARIA.to_standard(TRACK))
    np.testing.assert_allclose(predict(inferencer, other, preset='unity').joints, expected.joints, atol=1e-5)
    fast = np.stack([wearer(f / 2, True)[1] for f in range(399)])
    np.testing.assert_allclose(predict(inferencer, fast, fps=60).joints, expected.joints, atol=1e-5)
    np.testing.assert_allclose(expected.head_pose, ARIA.to_standard(TRACK), atol=1e-9)


def test_resampling_meets_the_motion_between_frames():
    track = read_array_track(TRACK[::2], fps=15, camera='aria').resample(30)
    assert len(track) == 199 and track.time[-1] == pytest.approx(198 / 30)
    poses = track.in_convention('aria')
    np.testing.assert_allclose(poses[::2], TRACK[:199:2], atol=1e-12)
    np.testing.assert_allclose(poses[1::2], TRACK[1:199:2], atol=5e-3)


def test_single_frame(inferencer):
    assert predict(inferencer, TRACK[:1]).joints.shape == (1, 17, 3)


@pytest.mark.parametrize('track, message', [
    (TRACK[:, :2], r'shape \(N,3,4\) or \(N,4,4\)'), (TRACK * np.nan, 'has no pose'), (TRACK * 2, 'last row'),
    (np.concatenate([TRACK[:, :3] * 2, TRACK[:, 3:]], 1), 'rotation'), (TRACK[:0], 'shape')])
def test_bad_tracks_are_refused(inferencer, track, message):
    with pytest.raises(ValueError, match=message):
        predict(inferencer, track)


def test_what_a_hole_becomes(inferencer):
    keep = np.r_[0:60, 90:200]
    track = import_track(keep / 30 + 7, TRACK[keep], ARIA, source='a')
    motion, = inferencer(track)
    assert len(motion) == 200 and motion.time[0] == 7 and motion.person == 'wearer'
    np.testing.assert_array_equal(motion.valid.all(1), np.isin(np.arange(200), keep))
    np.testing.assert_array_equal(motion.valid.any(1), motion.head_valid)
    np.testing.assert_allclose(motion.joints[:60], predict(inferencer, TRACK[:60]).joints, atol=1e-6)
    np.testing.assert_allclose(motion.joints[90:], predict(inferencer, TRACK[90:]).joints, atol=1e-6)
    told = motion.provenance
    assert [round(piece['start'] - 7, 2) for piece in told['pieces']] == [0, 3] and told['input']['source'] == 'a'
    assert len(told['checkpoint_sha256']) == 64 and told['head_camera'] == 'eyes' and told['config'] == str(CONFIG)


@pytest.mark.parametrize('written', ['nan', 'masked', 'none', 'zero'])
def test_a_pose_that_is_not_there_is_a_hole_however_it_is_written(inferencer, written):
    track, lost = TRACK[:60].copy(), slice(20, 40)
    if written == 'masked':
        track = np.ma.masked_array(track, False)
        track[lost] = np.ma.masked
    elif written == 'none':
        track = [None if 20 <= frame < 40 else pose for frame, pose in enumerate(track)]
    else:
        track[lost] = np.nan if written == 'nan' else 0
    motion = predict(inferencer, track)
    np.testing.assert_array_equal(motion.valid.all(1), np.r_[np.ones(20), np.zeros(20), np.ones(20)].astype(bool))
    np.testing.assert_allclose(motion.joints[:20], predict(inferencer, TRACK[:20]).joints, atol=1e-6)


def test_another_world_is_another_recording(inferencer):
    world = np.repeat([0, 1], 100)
    with pytest.warns(UserWarning, match='world of the track changes'):
        motion, = inferencer(import_track(np.arange(200) / 30, TRACK, ARIA, world=world))
    np.testing.assert_allclose(motion.joints[100:], predict(inferencer, TRACK[100:]).joints, atol=1e-6)
    assert [piece['world'] for piece in motion.provenance['pieces']] == [0, 1]


def test_a_mistake_in_the_axes_is_refused(inferencer):
    with pytest.raises(ImplausibleTrack, match='aria'):
        inferencer(TRACK, fps=30)
    with pytest.raises(TypeError, match="'preset'.*read already"):
        inferencer(read_array_track(TRACK, fps=30, camera='aria'), preset='unity')


def test_the_camera_of_the_model(inferencer, tmp_path):
    real = HeadPoseInferencer(str(CONFIG), inferencer.checkpoint, device='cpu', head_camera='aria_gen1')
    track = read_array_track(TRACK, fps=30, camera='aria', device='aria_gen1')
    np.testing.assert_allclose(real(track)[0].joints, predict(inferencer).joints, atol=1e-5)
    (tmp_path / 'config.py').write_text(f"_base_ = {str(CONFIG)!r}\nhead_camera = 'aria_gen1'\n")
    said = HeadPoseInferencer(str(tmp_path / 'config.py'), inferencer.checkpoint, device='cpu')
    assert said.head_camera == 'aria_gen1' and inferencer.head_camera == 'eyes'
    assert np.abs(inferencer(track)[0].joints - predict(inferencer).joints).max() > 0.01


def test_options_are_told(inferencer):
    plain, changed = predict(inferencer), predict(inferencer, smooth='gaussian', constant_bones=True, floor=-1.6)
    assert 'smoothing' not in plain.provenance and changed.provenance['floor'] == -1.6
    assert [entry['method'] for entry in changed.provenance['smoothing']] == ['gaussian', 'constant_bone_lengths']
    np.testing.assert_allclose(changed.head_pose[:, 2, 3], plain.head_pose[:, 2, 3] + 1.6)
    assert 'contacts' in changed.provenance


def test_a_folder_is_a_model(inferencer, tmp_path):
    folder = tmp_path / 'mine'
    folder.mkdir()
    with pytest.raises(FileNotFoundError, match='lacks config.py|lacks a file'):
        HeadPoseInferencer(model=folder)
    (folder / 'config.py').write_text(f'_base_ = {str(CONFIG)!r}\n')
    (folder / 'model.pth').write_bytes(Path(inferencer.checkpoint).read_bytes())
    loaded = HeadPoseInferencer(model=folder, device='cpu', precision='bf16', progress=True)
    np.testing.assert_allclose(predict(loaded).joints, predict(inferencer).joints, atol=0.1)
    assert loaded.provenance['precision'] == 'bf16'
    with pytest.raises(FileNotFoundError, match="model='nobody' is no folder and no name"):
        HeadPoseInferencer(model='nobody')
    with pytest.raises(ValueError, match='needs a config and a checkpoint, or a model'):
        HeadPoseInferencer(str(CONFIG))
    (folder / 'other.pth').write_bytes(b'')
    with pytest.raises(ValueError, match='holds the checkpoints'):
        HeadPoseInferencer(model=folder)


class ReadSteps:
    """A transform that reads another stream of the recording."""

    def __call__(self, batch):
        steps = batch['store'].frames['steps'][batch['rows']]
        batch.setdefault('inputs', {})['steps'] = torch.from_numpy(steps)
        return batch


def test_other_fields_of_a_recording_reach_the_pipeline(inferencer, monkeypatch):
    seen, config = [], dict(inferencer.dataset)
    config['pipeline'] = [ReadSteps(), *config['pipeline']]
    monkeypatch.setattr(inferencer, 'dataset', config)
    preprocess = inferencer.model.data_preprocessor.forward
    monkeypatch.setattr(inferencer.model.data_preprocessor, 'forward',
                        lambda batch, training=False: seen.append(batch['inputs'].pop('steps')) or preprocess(batch))
    predict(inferencer, TRACK[:40:2], fps=15, fields=dict(steps=np.arange(20.0)[:, None]))
    np.testing.assert_allclose(seen[0][:, -1, 0], np.arange(39) / 2)  # resampled with the track
    with pytest.raises(ValueError, match="a row for each of the 40 frames, got {'steps': 3}"):
        predict(inferencer, TRACK[:40], fields=dict(steps=np.zeros(3)))


def test_from_files_to_a_file(inferencer, tmp_path):
    time, poses = walk()
    write_mps(tmp_path / 'mps', time, in_preset(poses, 'aria'))
    write_csv(tmp_path / 'quest.csv', time, in_preset(poses, 'openxr'))
    write_tum(tmp_path / 'slam.txt', time, poses)
    np.save(tmp_path / 'poses.npy', poses)
    expected, = inferencer(poses, time=time)
    for name, options in (('mps', dict(device='aria_gen1', head_offset='eyes')), ('quest.csv', dict(preset='openxr')),
                          ('slam.txt', dict(preset='opencv')), ('poses.npy', dict(time=time))):
        motion, = inferencer(tmp_path / name, **options)
        np.testing.assert_allclose(motion.joints, expected.joints, atol=1e-5, err_msg=name)
        motion.save(tmp_path / 'motion.npz')
        again = Motion.load(tmp_path / 'motion.npz')
        np.testing.assert_array_equal(again.joints, motion.joints)
        assert again.provenance == motion.provenance
        assert again.provenance['input']['source'].startswith(str(tmp_path / name))


def test_the_official_baseline_needs_no_labels(tmp_path):
    """Its windows are those of labelled frames; in a track every frame is one."""
    config = CONFIG.with_name('egoexo4d_baseline.py')
    torch.manual_seed(0)
    torch.save(dict(state_dict=MODELS.build(load_config(config).model).state_dict()), tmp_path / 'w.pth')
    motion, = HeadPoseInferencer(str(config), str(tmp_path / 'w.pth'), device='cpu')(TRACK[:30], fps=30, camera='aria')
    assert motion.joints.shape == (30, 17, 3) and motion.valid.all()
