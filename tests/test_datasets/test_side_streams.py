"""Streams from files beside the head track: what is there, what is not, and who is told."""
import pickle
import re

import cv2
import numpy as np
import pytest
import torch
from helpers.commands import completed
from helpers.side_files import NAMES, NUM_FRAMES, everything, side_data, side_store
from helpers.video_files import number_in, numbered_frames, write_video

from mmegopose.datasets.transforms.streams.timed_readings import read_columns
from mmegopose.files import BadFile
from mmegopose.geometry.crops import IMAGE_MEAN, IMAGE_STD
from mmegopose.registry import TRANSFORMS

FRAMES = np.arange(100, 100 + NUM_FRAMES)


@pytest.fixture
def told(monkeypatch):
    """What the log says."""
    lines = []
    from mmengine.logging import MMLogger
    logger = MMLogger.get_current_instance()
    for name in ('info', 'warning'):
        monkeypatch.setattr(logger, name, lambda text, *rest: lines.append(text))
    return lines


def save_features(path, frames=FRAMES, dim=4):
    path.parent.mkdir(parents=True, exist_ok=True)
    features = np.repeat(np.asarray(frames, np.float16)[:, None], dim, 1)
    np.savez(path, frame=np.asarray(frames), features=features)


def write_pictures(folder, frames=FRAMES, landscape=False):
    folder.mkdir(parents=True)
    for frame, image in zip(frames, numbered_frames(len(FRAMES))):
        image = np.rot90(image) if landscape else image
        cv2.imwrite(str(folder / f'{frame:06d}.png'), np.ascontiguousarray(image[..., ::-1]))


def numbers(view):
    """The numbers in the pictures of a stream ``(...,3,H,W)``."""
    images = view.numpy() * np.reshape(IMAGE_STD, (3, 1, 1)) + np.reshape(IMAGE_MEAN, (3, 1, 1))
    images = (255 * images.reshape(-1, *images.shape[-3:])).round().astype(np.uint8).transpose(0, 2, 3, 1)
    return np.array([number_in(image) for image in images]).reshape(view.shape[:-3])


def window(last, size=6):
    """Numbers of the frames of the windows that end at frames, and which exist."""
    wanted = last[:, None] - 2 * np.arange(size - 1, -1, -1)
    return wanted, wanted >= 100


def test_features_of_a_sequence_and_of_each_frame(tmp_path):
    for name in NAMES[1:]:
        save_features(tmp_path / 'features' / f'{name}.npz')
    for frame in FRAMES[::2]:
        path = tmp_path / 'depth' / 'uid0' / f'{frame:06d}.npz'
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, features=np.full(3, frame, np.float32))
    data = side_data(side_store(tmp_path), dict(type='FrameFeatures', files='features/{name}.npz', dim=4), dict(
        type='FrameFeatures', files='depth/{uid}/{frame:06d}.npz', dim=3, name='depth_features', num_frames=2))
    inputs, sequence, last = everything(data)
    wanted, exists = window(last)
    there = inputs['view_features_valid'].numpy()
    assert np.array_equal(there, exists & (sequence > 0)[:, None])
    assert np.array_equal(inputs['view_features'].numpy()[there][:, 3], wanted[there])
    assert not inputs['view_features'].numpy()[~there].any()
    assert inputs['depth_features'].shape == (len(data), 2, 3)
    there = inputs['depth_features_valid'].numpy()
    assert np.array_equal(there, ((sequence == 0)[:, None] & exists & (wanted % 2 == 0))[:, -2:])
    assert np.array_equal(inputs['depth_features'].numpy()[there][:, 0], wanted[:, -2:][there])


def test_the_nearest_features_serve_within_the_tolerance(tmp_path):
    save_features(tmp_path / 'a.npz', [100, 110])
    data = side_data(side_store(tmp_path, NAMES[:1]),
                     dict(type='FrameFeatures', files='a.npz', dim=4, tolerance=2, num_frames=1))
    inputs, _, last = everything(data)
    near = np.abs(last[:, None] - [100, 110])
    assert np.array_equal(inputs['view_features_valid'][:, 0].numpy(), near.min(1) <= 2)
    there = near.min(1) <= 2
    assert np.array_equal(inputs['view_features'][there, 0, 0].numpy(), np.array([100, 110])[near[there].argmin(1)])


@pytest.mark.parametrize('kind', ['pictures', 'video'])
def test_views_are_upright_and_those_of_their_frames(tmp_path, kind):
    name = NAMES[2]
    if kind == 'pictures':
        files, turns = 'image/{split}/{name}/{frame:06d}.png', 1
        write_pictures(tmp_path / 'image' / 'val' / name, landscape=True)
        store = side_store(tmp_path)
    else:
        files, turns = ('nowhere/{name}.mp4', 'takes/{name}/*_214-1.mp4'), 0
        (tmp_path / 'takes' / name).mkdir(parents=True)
        write_video(tmp_path / 'takes' / name / 'aria01_214-1.mp4', numbered_frames(NUM_FRAMES))
        store = side_store(tmp_path)
        store.frames['frame'] = store.frames['frame'] - 100
    data = side_data(store, dict(type='FrameViews', files=files, size=(48, 64), num_frames=3, quarter_turns=turns))
    keys = np.random.default_rng(0).permutation(len(data))  # a video is sought in any order
    batch = pickle.loads(pickle.dumps(data)).__getitems__(keys)
    inputs, sample = batch['inputs'], batch['data_samples']
    wanted, exists = window(sample.frame_ids[:, -1].numpy() + (0 if kind == 'pictures' else 100), 3)
    there = inputs['view_valid'].numpy()
    assert np.array_equal(there, exists & (sample.sequence.numpy() == 2)[:, None])
    assert np.array_equal(numbers(inputs['view'][there]), wanted[there] - 100)


def test_windows_share_decoded_frames(tmp_path, monkeypatch):
    write_pictures(tmp_path / NAMES[0])
    data = side_data(side_store(tmp_path, NAMES[:1]), dict(type='FrameViews', files='{name}/{frame:06d}.png'))
    decoded = []
    from mmegopose.datasets.transforms.streams import frame_views
    real = frame_views.decode_picture
    monkeypatch.setattr(frame_views, 'decode_picture', lambda content: decoded.append(1) or real(content))
    everything(data)
    once = len(decoded)
    everything(data)
    assert once == len(decoded) <= NUM_FRAMES


def test_a_mirrored_batch_has_mirrored_views_and_gaze_and_no_features(tmp_path):
    write_pictures(tmp_path / NAMES[0])
    save_features(tmp_path / 'f.npz')
    (tmp_path / 'gaze.csv').write_text('time,yaw,pitch\n' + '\n'.join(f'{t},0.3,0.1' for t in np.arange(0, 5, 0.1)))
    steps = [dict(type='FrameViews', files='{name}/{frame:06d}.png'),
             dict(type='FrameFeatures', files='f.npz', dim=4),
             dict(type='GazeDirections', files='gaze.csv', columns=('time', 'yaw', 'pitch'), time_unit='s')]
    store = side_store(tmp_path, NAMES[:1])
    plain, _, _ = everything(side_data(store, *steps))
    mirrored, _, _ = everything(side_data(store, *steps, dict(type='Mirror', prob=1.0, lose=('view_features',))))
    assert torch.equal(mirrored['view'], plain['view'].flip(-1)) and plain['view_valid'].any()
    assert torch.equal(mirrored['gaze'][..., 1], -plain['gaze'][..., 1]) and (plain['gaze'][..., 1] > 0).any()
    assert plain['view_features_valid'].any() and not mirrored['view_features_valid'].any()
    with pytest.raises(ValueError, match="mirror image of the stream 'view_features' is not known"):
        everything(side_data(store, *steps, dict(type='Mirror', prob=1.0)))
    with pytest.raises(ValueError, match="'head_pose' is always there"):
        TRANSFORMS.build(dict(type='Mirror', lose=('head_pose',)))


def test_readings_of_a_sensor(tmp_path):
    time = np.arange(0, 5, 0.004)
    axes = ('ax', 'ay', 'az', 'gx', 'gy', 'gz')
    columns = dict(t=time * 1e3, **{name: (i + 1) * time for i, name in enumerate(axes)})
    hole = (time > 3.6) & (time < 3.9)
    np.savez(tmp_path / 'uid0.npz', **{name: values[~hole] for name, values in columns.items()})
    rows = [','.join(columns)] + [','.join(map(str, row)) for row in np.stack(list(columns.values()), 1)]
    rows[900] = rows[900].replace(',', ',x,', 1)  # a cell that is no number
    (tmp_path / 'uid1.csv').write_text('\n'.join(rows))
    data = side_data(side_store(tmp_path), dict(
        type='InertialReadings', files=('{uid}.npz', '{uid}.csv'), columns=tuple(columns), time_unit='ms',
        num_samples=2))
    inputs, sequence, last = everything(data)
    wanted, exists = window(last)
    there = inputs['imu_valid'].numpy()
    assert inputs['imu'].shape[-1] == 12
    for index in (0, 1):
        own = (sequence == index)[:, None]
        at = wanted / 30
        holed = ((at > 3.601) & (at - 1 / 60 < 3.899)) if index == 0 else np.zeros_like(exists)
        assert np.array_equal(there & own, exists & ~holed & own)
        found = inputs['imu'].numpy()[there & own]
        np.testing.assert_allclose(found[:, 6], at[there & own] / 9.81, atol=2e-3)
        np.testing.assert_allclose(found[:, 11], 6 * at[there & own], atol=2e-2)
        np.testing.assert_allclose(found[:, 5], 6 * (at[there & own] - 1 / 60), atol=2e-2)
    assert not there[sequence == 2].any()


def test_a_look_straight_ahead_and_one_to_the_left(tmp_path):
    (tmp_path / 'g.csv').write_text('tracking_timestamp_us,yaw_rads_cpf,pitch_rads_cpf,depth_m\n'
                                    '7000000,0,0,1\n10350000,0,0,1\n10400000,0.5,0,1\n13000000,0.5,0,\n')
    data = side_data(side_store(tmp_path, NAMES[:1]), dict(type='GazeDirections', files='g.csv', max_gap=4.0))
    inputs, _, last = everything(data)
    ahead, left = inputs['gaze'][last < 101, -1], inputs['gaze'][last > 103, -1]
    torch.testing.assert_close(ahead, torch.tensor([[1., 0, 0]]).expand_as(ahead))
    torch.testing.assert_close(left, torch.tensor([[np.cos(0.5), np.sin(0.5), 0]]).float().expand_as(left))


def test_dropped_streams(tmp_path):
    write_pictures(tmp_path / NAMES[0])
    save_features(tmp_path / 'f.npz')
    store = side_store(tmp_path, NAMES[:1] * 1)
    steps = [dict(type='FrameViews', files='{name}/{frame:06d}.png'), dict(type='FrameFeatures', files='f.npz', dim=4)]
    data = side_data(store, *steps, dict(type='DropStreams', probs=dict(view=0.5, view_features=0.5, gaze=0.5)))
    keys = np.arange(40 * len(data))
    inputs = data.__getitems__(keys)['inputs']
    view, features = (inputs[name][:, -1] for name in ('view_valid', 'view_features_valid'))
    assert 0.4 < view.float().mean() < 0.6 and 0.4 < features.float().mean() < 0.6
    assert 0.15 < (view & features).float().mean() < 0.35  # each by itself
    assert 'gaze_valid' not in inputs
    assert torch.equal(data.__getitems__(keys[7:9])['inputs']['view_valid'], inputs['view_valid'][7:9])
    together = side_data(store, *steps, dict(type='DropStreams', probs=dict(view=0., view_features=0.), all_prob=0.5))
    inputs = together.__getitems__(keys)['inputs']
    assert torch.equal(inputs['view_valid'][:, -1], inputs['view_features_valid'][:, -1])
    assert 0.4 < inputs['view_valid'][:, -1].float().mean() < 0.6
    with pytest.raises(ValueError, match='view=1.5 should be a share'):
        TRANSFORMS.build(dict(type='DropStreams', probs=dict(view=1.5)))
    with pytest.raises(ValueError, match="'head_pose' is always there"):
        TRANSFORMS.build(dict(type='DropStreams', probs=dict(head_pose=0.5)))


def test_a_shuffled_view_is_one_of_the_same_sequence_at_another_time(tmp_path):
    write_pictures(tmp_path / NAMES[0])
    store = side_store(tmp_path, NAMES[:2])
    data = side_data(store, dict(type='FrameViews', files='{name}/{frame:06d}.png', size=(48, 64), num_frames=1,
                                 shuffle=True))
    inputs, sequence, last = everything(data)
    there = inputs['view_valid'][:, 0].numpy()
    assert np.array_equal(there, sequence == 0)
    found = numbers(inputs['view'][there, 0])
    assert set(found) <= set(range(0, NUM_FRAMES, 3)) and (found != last[there] - 100).mean() > 0.6


# What is wrong with files


def test_absence_is_told(tmp_path, told):
    save_features(tmp_path / f'{NAMES[0]}.npz')
    side_data(side_store(tmp_path), dict(type='FrameFeatures', files='{name}.npz', dim=4))
    assert any("1 of 3 sequences have the stream 'view_features'" in line and '2 have none' in line for line in told)
    data = side_data(side_store(tmp_path), dict(type='FrameFeatures', files='nowhere/{name}.npz', dim=4))
    assert any("no sequence has the stream 'view_features'" in line and str(tmp_path) in line for line in told)
    assert not everything(data)[0]['view_features_valid'].any()
    with pytest.raises(ValueError, match="'title' is no fact of a sequence.*uid"):
        side_data(side_store(tmp_path), dict(type='FrameFeatures', files='{title}.npz', dim=4))


def damaged_zip(path):
    save_features(path)
    path.write_bytes(path.read_bytes()[:-40])


def not_finite(path):
    np.savez(path, frame=FRAMES, features=np.where(FRAMES[:, None] % 2, np.nan, 1.0).repeat(4, 1))


@pytest.mark.parametrize('write, there, message', [
    (damaged_zip, 0, 'cannot be used'),
    (lambda path: np.savez(path, features=np.zeros((3, 4))), 0, 'should hold frame'),
    (lambda path: np.savez(path, frame=FRAMES[:3], features=np.zeros((4, 4))), 0, 'frame should be'),
    (lambda path: save_features(path, FRAMES + 1000), 0, 'none of the frames that are asked for is there'),
    (not_finite, 7, 'not finite'),
    (lambda path: save_features(path, FRAMES[:20]), 7, '')])
def test_damaged_features_are_marked_counted_and_told(tmp_path, told, write, there, message):
    write(tmp_path / 'f.npz')
    data = side_data(side_store(tmp_path, NAMES[:1]), dict(type='FrameFeatures', files='f.npz', dim=4))
    inputs, _, _ = everything(data)
    assert inputs['view_features_valid'][:, -1].sum() == there and inputs['view_features'].isfinite().all()
    assert any(message in line for line in told)
    assert sum(data.pipeline.transforms[1].report.values()) > 0


def test_features_of_another_size_are_a_mistake(tmp_path):
    save_features(tmp_path / 'f.npz')
    with pytest.raises(ValueError, match=r"features \(4,\), but FrameFeatures.*dim=512"):
        everything(side_data(side_store(tmp_path, NAMES[:1]), dict(type='FrameFeatures', files='f.npz', dim=512)))


@pytest.mark.parametrize('write, there, message', [
    (lambda path: path.write_bytes(b'no video'), 0, 'cannot be opened as a video'),
    (lambda path: write_video(path, numbered_frames(40), fps=60.0), 0, '60 frames a second, and the sequence 30'),
    (lambda path: write_video(path, numbered_frames(20)), 7, 'it has 20 frames, but the sequence goes on to frame 39')])
def test_videos_that_are_damaged_shorter_or_of_another_rate(tmp_path, told, write, there, message):
    write(tmp_path / 'v.mp4')
    store = side_store(tmp_path, NAMES[:1])
    store.frames['frame'] = store.frames['frame'] - 100
    inputs, _, _ = everything(side_data(store, dict(type='FrameViews', files='v.mp4')))
    assert inputs['view_valid'][:, -1].sum() == there
    assert sum(message in line for line in told) == 1


def test_a_damaged_picture_is_told_and_the_others_serve(tmp_path, told):
    write_pictures(tmp_path / NAMES[0])
    (tmp_path / NAMES[0] / '000103.png').write_bytes(b'no picture')
    (tmp_path / NAMES[0] / '000106.png').unlink()
    data = side_data(side_store(tmp_path, NAMES[:1]), dict(type='FrameViews', files='{name}/{frame:06d}.png'))
    inputs, _, last = everything(data)
    assert np.array_equal(inputs['view_valid'][:, -1].numpy(), (last != 103) & (last != 106))
    assert sum('000103.png' in line for line in told) == 1


@pytest.mark.parametrize('rows, there, message', [
    (['t,ax,ay,az,gx,gy', '0,1,2,3,4,5'], 0, "no column 'gz'"),
    (['t,ax,ay,az,gx,gy,gz'], 0, 'it has no row'),
    (['t,ax,ay,az,gx,gy,gz', '0,0,0,0,0,0,0', '3.5,0,0,0,0,0,0'], 2, 'out of step'),
    (['t,ax,ay,az,gx,gy,gz', '5,0,0,0,0,0,0', '0,0,0,0,0,0,0'], 14, 'does not ascend')])
def test_damaged_readings(tmp_path, told, rows, there, message):
    (tmp_path / 'imu.csv').write_text('\n'.join(rows))
    data = side_data(side_store(tmp_path, NAMES[:1]), dict(
        type='InertialReadings', files='imu.csv', columns=('t', 'ax', 'ay', 'az', 'gx', 'gy', 'gz'), max_gap=9.0,
        start=0))
    inputs, _, _ = everything(data)
    assert inputs['imu_valid'][:, -1].sum() == there
    assert any(message in line for line in told)


@pytest.mark.parametrize('scale, message', [
    ((1, 1), None), ((1 / 9.81, 1), 'typically 1.02, that of gravity alone is 9.81 m/s².*units of gravity'),
    ((1000 / 9.81, 1), 'thousandths of gravity'), ((1e6, 1), 'another unit'), ((1, 180 / np.pi), 'degrees per second')])
def test_readings_in_another_unit_are_told(tmp_path, told, scale, message):
    rng, names = np.random.default_rng(0), ('t', 'ax', 'ay', 'az', 'gx', 'gy', 'gz')
    time = np.arange(0, 5, 0.01)
    readings = np.c_[rng.normal(0, 1, (500, 3)) + [0, 0, 9.9], rng.normal(0, 0.3, (500, 3))]
    np.savez(tmp_path / 'imu.npz', **dict(zip(names, np.c_[time, readings * np.repeat(scale, 3)].T)))
    inputs, _, _ = everything(side_data(side_store(tmp_path, NAMES[:1]), dict(
        type='InertialReadings', files='imu.npz', columns=names)))
    doubts = [line for line in told if 'typically' in line]
    assert inputs['imu_valid'].any() and (not doubts if message is None else re.search(message, doubts[0]))


def test_gaze_in_degrees_is_told(tmp_path, told):
    for name, factor in (('a.csv', 1), ('b.csv', 180 / np.pi)):
        (tmp_path / name).write_text('time,yaw,pitch\n' + '\n'.join(
            f'{t},{0.3 * factor * np.sin(t)},{0.1 * factor}' for t in np.arange(0, 5, 0.1)))
        everything(side_data(side_store(tmp_path, NAMES[:1]), dict(
            type='GazeDirections', files=name, columns=('time', 'yaw', 'pitch'), time_unit='s')))
        assert any('behind the head: degrees?' in line for line in told) == (factor != 1)


def test_one_word_about_many_files(tmp_path, told):
    names = [f'sequence_{i}' for i in range(12)]
    for name in names:
        (tmp_path / f'{name}.npz').write_bytes(b'damage')
    data = side_data(side_store(tmp_path, names), dict(type='FrameFeatures', files='{name}.npz', dim=4))
    everything(data)
    lines = [line for line in told if line.startswith("stream 'view_features'")]
    assert len(lines) == 6 and 'report' in lines[-1]


@pytest.mark.parametrize('config, message', [
    (dict(type='FrameViews', files='a', num_frames=0), 'at least 1'),
    (dict(type='FrameViews', files='a', size=(0, 3)), 'size=\\(0, 3\\) should be'),
    (dict(type='InertialReadings', files='a', time_unit='h'), "one of \\['s'"),
    (dict(type='InertialReadings', files='a', columns=('t', 'x')), 'should be seven'),
    (dict(type='GazeDirections', files='a', columns=('t', 'x')), 'should be three')])
def test_mistakes_in_a_config(config, message):
    with pytest.raises(ValueError, match=message):
        TRANSFORMS.build(config)


def test_features_are_written_once_and_read_back(tmp_path, capsys):
    """One command, whose size is told before, and the transform that reads what it wrote."""
    import importlib.util
    from pathlib import Path
    from types import SimpleNamespace

    from mmegopose.models.view_features import grid_features, image_encoder
    from mmegopose.registry import EMBEDDINGS
    path = Path(__file__).parents[2] / 'tools/dataset_converters/view_features.py'
    spec = importlib.util.spec_from_file_location('view_features_tool', path)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    write_pictures(tmp_path / NAMES[0])
    store = side_store(tmp_path, NAMES[:2])
    data = side_data(store, dict(type='FrameViews', files='{name}/{frame:06d}.png', size=(48, 64), num_frames=1))
    torch.manual_seed(0)
    embed = EMBEDDINGS.build(dict(type='FrameEmbed', embed_dim=8, in_dim=32, encoder=dict(
        type='ConvStem', embed_dim=32, img_size=(48, 64), stream='view'))).eval()
    assert image_encoder(embed) is embed
    args = SimpleNamespace(out=tmp_path / 'features', grid=2, every=1, batch_size=16, device='cpu')
    tool.write_features(embed, data.pipeline.transforms[1], store, args)
    out = capsys.readouterr().out
    assert '1 of 1 sequences with pictures to do, 128 numbers a frame: at most 0.0 MB' in out
    assert f'1/1 {NAMES[0]}: 40 of 40 frames' in out
    tool.write_features(embed, data.pipeline.transforms[1], store, args)
    assert '0 of 1 sequences' in capsys.readouterr().out
    written = tmp_path / 'features' / f'{NAMES[0]}.npz'
    written.write_bytes(written.read_bytes()[:100])
    args.batch_size = 10 ** 30  # a whole sequence at once
    tool.write_features(embed, data.pipeline.transforms[1], store, args)
    assert f'{written} is made anew' in (told := capsys.readouterr().out) and '1 of 1 sequences' in told
    with pytest.raises(ValueError, match='holds features of 128 numbers, not 32'):
        tool.write_features(embed, data.pipeline.transforms[1], store, SimpleNamespace(**vars(args) | dict(grid=1)))
    again = side_data(store, dict(type='FrameFeatures', files='features/{name}.npz', dim=128, num_frames=1))
    features, views = everything(again)[0], everything(data)[0]
    there = views['view_valid'][:, 0]
    assert torch.equal(features['view_features_valid'][:, 0], there) and there.any()
    expected = grid_features(embed, views['view'][there, 0], 2)
    torch.testing.assert_close(features['view_features'][there, 0], expected, atol=2e-3, rtol=2e-3)
    with pytest.raises(ValueError, match='has no FrameEmbed'):
        image_encoder(torch.nn.Linear(2, 2))


@pytest.mark.parametrize('name, value, told', [
    ('--batch-size', '0', '--batch-size 0 should be at least 1'), ('--batch-size', '-3', '--batch-size -3 should be'),
    ('--grid', '0', '--grid 0, .* should be at least 1'), ('--grid', '-1', '--grid -1, .* should be'),
    ('--every', '0', '--every 0 .* should be'), ('--grid', str(10 ** 9), '--grid 10+: the encoder tells 6 places'),
    ('--device', 'abacus', "device='abacus' is not there, .*leave it out"), ('--device', 'cuda:99', "'cuda:99' is not"),
    ('--device', 'meta', "'meta' computes nothing")])
def test_a_bad_number_or_device_of_the_features_is_one_line(tmp_path, name, value, told):
    done = completed('dataset_converters/view_features.py', 'mmegopose::ego_body/body_view.py', '--out', 'features',
                     name, value, cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.count('\n') == 1 and done.stderr.startswith('error: '), done.stderr
    assert re.search(told, done.stderr) and not (tmp_path / 'features').exists()


def test_a_column_of_text_is_told(tmp_path):
    np.savez(tmp_path / 'imu.npz', time=np.arange(3.0), gaze=np.array(['a', 'b', 'c']))
    with pytest.raises(BadFile, match="its column 'gaze' should be numbers"):
        read_columns(tmp_path / 'imu.npz', ('time', 'gaze'))
