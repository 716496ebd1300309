from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.egoexo_fixture import scored_frames, wearer

from mmegopose.datasets import EgoExo4DBodyDataset
from mmegopose.engine.config import load_config
from mmegopose.geometry.rigid import apply_rigid
from mmegopose.geometry.trajectory import HEAD_AXES
from mmegopose.inference import HeadPoseInferencer, resample_track
from mmegopose.registry import MODELS

CONFIG = Path(__file__).parents[2] / 'configs/head_pose/levelwise_vit_coarse_only.py'
TRACK = np.stack([wearer(f, True)[1] for f in range(200)])


@pytest.fixture(scope='module')
def inferencer(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp('weights') / 'model.pth'
    torch.save(dict(state_dict=MODELS.build(load_config(CONFIG).model).state_dict()), path)
    return HeadPoseInferencer(str(CONFIG), str(path), device='cpu')


def test_predictions_equal_those_on_the_data_set(inferencer, egoexo):
    config = load_config(CONFIG, dict(data_root=str(egoexo)))
    dataset = EgoExo4DBodyDataset(**{k: v for k, v in config.test_dataloader.dataset.items() if k != 'type'})
    take = next(i for i, s in enumerate(dataset.store.sequences) if 'soccer' in s['name'])
    rows = np.flatnonzero(dataset.windows.sequence == take)
    sample = inferencer.model(**dataset.__getitems__(rows), mode='predict')[0]
    expected = apply_rigid(sample.T_world_target[:, -1], sample.pred_joints[:, -1].double()).detach()
    result = inferencer(TRACK)
    assert result['joints'].shape == (200, 17, 3)
    np.testing.assert_allclose(result['joints'][scored_frames(dataset, take)], expected, atol=1e-5)


def test_camera_convention_and_rate_do_not_matter(inferencer):
    expected = inferencer(TRACK)
    other = TRACK.copy()
    other[:, :3, :3] = TRACK[:, :3, :3] @ np.array(HEAD_AXES['aria']) @ np.array(HEAD_AXES['opencv']).T
    np.testing.assert_allclose(inferencer(other, camera_axes='opencv')['joints'], expected['joints'], atol=1e-5)
    fast = np.stack([wearer(f / 2, True)[1] for f in range(399)])
    np.testing.assert_allclose(inferencer(fast, fps=60)['joints'], expected['joints'], atol=1e-5)


def test_resampling_meets_the_motion_between_frames():
    time, track = resample_track(TRACK[::2], fps=15)
    assert len(track) == 199 and time[-1] == pytest.approx(198 / 30)
    np.testing.assert_allclose(track[::2], TRACK[:199:2], atol=1e-12)
    np.testing.assert_allclose(track[1::2], TRACK[1:199:2], atol=5e-3)


def test_single_frame(inferencer):
    assert inferencer(TRACK[:1])['joints'].shape == (1, 17, 3)


@pytest.mark.parametrize('track, message', [
    (TRACK[:, :3], r'shape \(N,4,4\)'), (TRACK * np.nan, 'finite'), (TRACK * 2, 'orthonormal'), (TRACK[:0], 'shape')])
def test_bad_tracks_are_refused(inferencer, track, message):
    with pytest.raises(ValueError, match=message):
        inferencer(track)


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
    inferencer(TRACK[:40:2], fps=15, steps=np.arange(20.0)[:, None])
    np.testing.assert_allclose(seen[0][:, -1, 0], np.arange(39) / 2)  # resampled with the track
    with pytest.raises(ValueError, match="a row for each of the 40 frames, got {'steps': 3}"):
        inferencer(TRACK[:40], steps=np.zeros(3))
