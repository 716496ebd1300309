"""Head tracks with wrists: files, arrays and streams, and what happens without."""
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.egoexo_fixture import wearer
from helpers.hand_files import WORLD, WRIST, write_hands, write_older_hands
from helpers.track_files import in_preset, walk, write_mps

from mmegopose.cli import main
from mmegopose.engine.config import load_config
from mmegopose.export.head_pose_step import HeadPoseStep
from mmegopose.files import BadFile
from mmegopose.geometry.conventions import PRESETS, PoseConvention
from mmegopose.inference import HeadPoseInferencer
from mmegopose.inference.inputs import read_recordings
from mmegopose.inference.inputs.hands import HandTrack, read_wrists, recorded_wrists
from mmegopose.inference.inputs.head_tracks import read_array_track, read_head_track
from mmegopose.registry import MODELS

CONFIGS = Path(__file__).parents[2] / 'configs/head_pose'
TRACK = np.stack([wearer(f, True)[1] for f in range(120)])
PLACES = TRACK[:, None, :3, 3] + [[0.2, 0.3, -0.5], [0.3, -0.2, -0.6]] + 0.1 * np.sin(
    np.arange(120) / 5)[:, None, None]
PLACES[40:52, 0] = PLACES[60:63] = np.nan
ARIA = PoseConvention(camera='aria')


def made(name, folder):
    """An inferencer of a shipped config with random weights."""
    torch.manual_seed(0)
    model = MODELS.build(load_config(CONFIGS / name).model)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    torch.save(dict(state_dict=model.state_dict()), folder / 'model.pth')
    inferencer = HeadPoseInferencer(str(CONFIGS / name), str(folder / 'model.pth'), device='cpu')
    inferencer.checkpoint = str(folder / 'model.pth')
    return inferencer


@pytest.fixture(scope='module')
def predict(tmp_path_factory):
    return made('head_wrists_body.py', tmp_path_factory.mktemp('weights'))


def joints(predict, track=TRACK, **options):
    camera = None if 'preset' in options else 'aria'
    motion, = predict(track, **{'fps': 30, 'camera': camera, 'check': 'off', **options})
    return motion.joints


def test_wrists_count_and_those_not_seen_do_not(predict):
    alone, both = joints(predict), joints(predict, wrists=PLACES)
    nothing = joints(predict, wrists=np.full_like(PLACES, np.nan))
    np.testing.assert_array_equal(alone, nothing)
    assert np.abs(both - alone).max(1).min() > 1e-3
    moved = PLACES.copy()
    moved[70:, 1] += 0.1  # the past does not know
    later = joints(predict, wrists=moved)
    np.testing.assert_array_equal(later[:70], both[:70])
    assert np.abs(later[70:] - both[70:]).max((1, 2)).min() > 1e-4


def test_provenance_tells_the_wrists(predict):
    motion, = predict(TRACK, fps=30, camera='aria', check='off', wrists=PLACES)
    told = motion.provenance['input']['wrists']
    assert told == dict(source='wrists', left=pytest.approx(105 / 120), right=pytest.approx(117 / 120))
    assert 'wrists' not in predict(TRACK, fps=30, camera='aria', check='off')[0].provenance['input']


@pytest.mark.parametrize('fps', [15, 30, 50, 90])
def test_a_stream_gives_what_the_whole_recording_gives(predict, fps):
    """At any rate, and where hands come and go between frames."""
    count = 4 * fps
    track = np.stack([wearer(30 * k / fps, True)[1] for k in range(count)])
    rng = np.random.default_rng(0)
    wrists = track[:, None, :3, 3] + rng.normal(0, 0.3, (count, 2, 3))
    wrists[rng.random((count, 2)) < 0.2] = np.nan
    expected = joints(predict, track, fps=fps, wrists=wrists)
    stream = predict.stream(camera='aria', fps=fps)
    frames = [stream.push(pose, wrists=places) for pose, places in zip(track, wrists)]
    frames = [frame for frame in frames if frame is not None]
    index = np.rint(np.array([frame.time for frame in frames]) * 30).astype(int)
    assert len(frames) > 50
    np.testing.assert_allclose(np.stack([frame.joints for frame in frames]), expected[index], atol=1e-5)


def test_a_stream_without_wrists_is_one_of_the_head(predict):
    expected, stream = joints(predict, TRACK[:40]), predict.stream(camera='aria')
    frames = [stream.push(pose, wrists=None if k % 2 else np.full((2, 3), np.nan)) for k, pose in enumerate(TRACK[:40])]
    np.testing.assert_allclose(np.stack([frame.joints for frame in frames]), expected, atol=1e-5)
    with pytest.raises(ValueError, match=r'wrists should have the shape \(2,3\)'):
        stream.push(TRACK[40], wrists=PLACES[:3])


def test_it_is_exported_with_its_wrists(predict):
    step = HeadPoseStep(predict).eval()

    def run(inputs):
        with torch.no_grad():
            outputs = step(**{name: torch.from_numpy(np.asarray(value)) for name, value in inputs.items()})
        return {name: value.numpy() for name, value in zip(step.ports_out, outputs)}

    assert step.difference(run, sizes=((1, 5), (2, 70))) < 1e-4


def test_a_model_of_the_head_alone_refuses_wrists(tmp_path):
    alone = made('head_body.py', tmp_path)
    with pytest.raises(ValueError, match='no wrists: leave wrists out, or take a model'):
        joints(alone, wrists=PLACES)
    with pytest.raises(ValueError, match='no wrists: leave wrists out, or take a model'):
        alone.stream(camera='aria').push(TRACK[0], wrists=PLACES[0])
    assert np.isfinite(joints(alone, wrists=False)).all()


@pytest.mark.parametrize('preset', ['unity', 'openxr', 'unreal'])
def test_wrists_have_the_axes_of_the_poses(predict, preset):
    there, poses = PRESETS[preset], PRESETS[preset].from_standard(ARIA.to_standard(TRACK))
    frames = np.tile(np.eye(4), (*PLACES.shape[:2], 1, 1))
    frames[..., :3, 3] = PLACES
    places = there.from_standard(frames)[..., :3, 3]
    np.testing.assert_allclose(there.points_to_standard(places), PLACES, atol=1e-9)
    expected = joints(predict, wrists=PLACES)
    np.testing.assert_allclose(joints(predict, poses, preset=preset, wrists=places), expected, atol=1e-5)
    stream = predict.stream(preset=preset)
    live = [stream.push(pose, wrists=place).joints for pose, place in zip(poses, places)]
    np.testing.assert_allclose(live, expected, atol=1e-5)
    # A track that was read before is in metres, z up, and so are its wrists.
    read = read_array_track(poses, fps=30, preset=preset, check='off')
    motion, = predict(read, wrists=PLACES)
    np.testing.assert_allclose(motion.joints, expected, atol=1e-5)


def test_files_of_wrists(predict, tmp_path):
    expected = joints(predict, wrists=PLACES)
    np.save(tmp_path / 'wrists.npy', PLACES)
    np.savez(tmp_path / 'wrists.npz', wrists=PLACES[::-1][::-1], time=np.arange(120) / 30)
    header = [f'{side}_wrist_pos_{axis}' for side in ('left', 'right') for axis in 'xyz']
    rows = [[k / 30, *places.ravel()] for k, places in enumerate(PLACES)]
    (tmp_path / 'wrists.csv').write_text('\n'.join([','.join(['time', *header]), *(
        ','.join('' if np.isnan(x) else repr(float(x)) for x in row) for row in rows)]))
    for name in ('wrists.npy', 'wrists.npz', 'wrists.csv'):
        np.testing.assert_allclose(joints(predict, wrists=tmp_path / name), expected, atol=1e-5, err_msg=name)
    other = np.arange(0, 119) / 30 + 1 / 60  # between the poses
    np.savez(tmp_path / 'late.npz', wrists=(PLACES[1:] + PLACES[:-1]) / 2, time=other)
    late = joints(predict, wrists=str(tmp_path / 'late.npz'))
    assert np.abs(late[70:-2] - expected[70:-2]).max() < 0.5 * np.abs(joints(predict) - expected)[70:-2].max()


def test_hands_of_an_mps_folder_are_found(predict, tmp_path):
    time, poses = walk()
    write_mps(tmp_path, time, in_preset(poses, 'aria'))
    track = read_head_track(tmp_path)
    assert recorded_wrists(tmp_path, track) is None
    alone, = predict(tmp_path)
    write_hands(tmp_path)
    hands = recorded_wrists(tmp_path, track)
    assert isinstance(hands, HandTrack)
    np.testing.assert_allclose(hands.wrists[30:], WRIST[30:, :, :3, 3], atol=2e-5)
    both, = predict(tmp_path)
    told = both.provenance['input']['wrists']
    assert told['source'].endswith('hand_tracking_results.csv') and 0.7 < told['left'] < told['right'] < 0.85
    assert np.abs(both.joints - alone.joints).max() > 1e-3
    csv = next(tmp_path.rglob('closed_loop_trajectory.csv'))
    for given, options in ((csv, {}), (csv.parent, {}), (csv, dict(wrists=tmp_path)), (tmp_path, dict(wrists=hands))):
        np.testing.assert_array_equal(predict(given, **options)[0].joints, both.joints)
    np.testing.assert_array_equal(predict(tmp_path, wrists=False)[0].joints, alone.joints)


def test_the_command_takes_wrists_and_tells_of_them(predict, tmp_path, capsys):
    time, poses = walk()
    (tmp_path / 'mps').mkdir()
    write_mps(tmp_path / 'mps', time, in_preset(poses, 'aria'))
    hands = write_hands(tmp_path)
    model = ['--config', predict.provenance['config'], '--checkpoint', predict.checkpoint]
    told = r'left one is seen in 7\d% of the frames, the right one in [78]\d%'
    for given in ([], ['--wrists', str(hands)]):
        out = tmp_path / f'{len(given)}.npz'
        assert main(['predict', str(tmp_path / 'mps'), *model, '--out', str(out), *given]) == 0
        printed = capsys.readouterr().out
        assert bool(re.search(told, printed)) == ('Wrists of' in printed) == bool(given)


def test_older_wrists_of_mps(predict, tmp_path):
    """``wrist_and_palm_poses.csv`` has the wrist and the palm, each as a place."""
    time, poses = walk()
    write_mps(tmp_path, time, in_preset(poses, 'aria'))
    write_older_hands(tmp_path)
    hands = recorded_wrists(tmp_path, read_head_track(tmp_path))
    np.testing.assert_allclose(hands.wrists[4:], WORLD[4:, :, 5], atol=2e-5)
    motion, = predict(tmp_path)
    assert motion.provenance['input']['wrists']['source'].endswith('wrist_and_palm_poses.csv')


def test_hands_of_a_neighbour_are_not_taken(tmp_path):
    time, poses = walk()
    for name in ('with', 'without'):
        (tmp_path / name).mkdir()
        write_mps(tmp_path / name, time, in_preset(poses, 'aria'))
    write_hands(tmp_path / 'with')
    lone = tmp_path / 'without' / 'closed_loop_trajectory.csv'
    next((tmp_path / 'without' / 'slam').glob('closed*')).rename(lone)
    track = read_head_track(tmp_path / 'with')
    for path, found in ((tmp_path / 'with' / 'slam', True), (tmp_path / 'without', False), (lone, False)):
        assert (recorded_wrists(path, track) is not None) == found


def test_hands_of_another_recording_are_told(predict, tmp_path):
    time, poses = walk()
    write_mps(tmp_path, time, in_preset(poses, 'aria'))
    file = write_hands(tmp_path)
    header, *lines = file.read_text().splitlines()
    lines = [line.partition(',') for line in lines]
    file.write_text('\n'.join([header, *(f'{10 ** 9 + int(time)},{rest}' for time, _, rest in lines)]))
    with pytest.raises(ValueError, match='another recording.*; wrists=False predicts without them'):
        predict(tmp_path)


def test_recordings_to_train_on_have_their_hands(tmp_path):
    time, poses = walk()
    for name in ('with', 'without'):
        (tmp_path / name).mkdir()
        write_mps(tmp_path / name, time, in_preset(poses, 'aria'))
    write_hands(tmp_path / 'with')
    assert 'wrists' not in read_recordings(str(tmp_path)).frames
    store = read_recordings(str(tmp_path), wrists=True)
    seen = np.isfinite(store.frames['wrists']).all(-1)
    first = np.arange(store.num_rows) < store.offsets[1]
    assert store.sequences[0]['uid'] == 'with' and seen[first].mean() > 0.7 and not seen[~first].any()


def test_mistakes_are_told(predict, tmp_path):
    track = read_array_track(TRACK, fps=30, camera='aria', check='off')
    for wrists, match in ((PLACES[:, 0], r'shape \(N,2,3\).*got \(120, 3\)'),
                          (PLACES[:100], 'row for each of the 120 poses of the track, got 100')):
        with pytest.raises(ValueError, match=match):
            read_wrists(wrists, track)
    with pytest.raises(FileNotFoundError):
        read_wrists(tmp_path / 'none.npy', track)
    np.savez(tmp_path / 'a.npz', hands=PLACES)
    with pytest.raises(BadFile, match='has no array wrists'):
        read_wrists(tmp_path / 'a.npz', track)
    np.savez(tmp_path / 'b.npz', wrists=PLACES, time=np.arange(120)[::-1])
    with pytest.raises(ValueError, match='120 seconds in ascending order'):
        read_wrists(tmp_path / 'b.npz', track)
    (tmp_path / 'c.npy').write_bytes(b'nothing')
    with pytest.raises(BadFile, match='c.npy cannot be read'):
        read_wrists(tmp_path / 'c.npy', track)
    with pytest.raises(FileNotFoundError, match='no hand_tracking_results.csv'):
        read_wrists(tmp_path, track.__class__(**{**track.__dict__, 'facts': dict(T_camera_device=np.eye(4).tolist())}))


@pytest.mark.parametrize('factor, shift', [(1000, 0), (1e9, 0), (1, 500), (1, -500)])
def test_wrists_of_another_clock_are_refused(predict, factor, shift, tmp_path):
    track = read_array_track(TRACK, fps=30, camera='aria', check='off')
    np.savez(tmp_path / 'a.npz', wrists=PLACES, time=track.time * factor + shift)
    with pytest.raises(BadFile, match='are not those of the head track, 0.00 to 3.97 s: they should be seconds'):
        read_wrists(tmp_path / 'a.npz', track)
    hands = read_wrists(np.full_like(PLACES, np.nan), track)  # none was seen
    assert not hands.wrists_valid.any()


def test_wrists_out_of_reach_are_not_the_wearers(predict):
    track = read_array_track(TRACK, fps=30, camera='aria')
    with pytest.raises(BadFile, match='wrists are typically .* m from the head: they should be in metres'):
        read_wrists(1000 * PLACES, track)
    some = PLACES.copy()
    some[7, 0] = 1e30
    some[30, 1] += 5
    hands, good = read_wrists(some, track), read_wrists(PLACES, track)
    lost = np.argwhere(good.wrists_valid & ~hands.wrists_valid).tolist()
    assert lost == [[7, 0], [30, 1]] and not hands.confidence[7, 0]
    assert '2 joints out of reach' in hands.facts['notes'][-1]
    assert np.isfinite(hands.joints).all() and np.abs(hands.joints).max() < 100
    stream = predict.stream(camera='aria')
    for frame in range(12):
        assert np.isfinite(stream.push(TRACK[frame], frame / 30, wrists=some[frame]).joints).all()
    assert stream.counts['wrists out of reach'] == 1
    with pytest.raises(ValueError, match='wrists of the last 10 pushes are out of reach, now .* m from the head'):
        for frame in range(12, 30):
            stream.push(TRACK[frame], frame / 30, wrists=1000 * PLACES[frame])
