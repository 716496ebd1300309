"""The clip container, the embedded asset, and clips written in the official Ego-Exo4D layout."""
import json
import shutil
import sys
import zipfile

import numpy as np
import pytest
from helpers.commands import completed

from mmegopose.datasets import shipped_motion as sample
from mmegopose.datasets.converters import read_wheels
from mmegopose.datasets.mocap_sequences import MocapSequence, MocapSequences
from mmegopose.datasets.shipped_motion import ASSET, sample_root
from mmegopose.datasets.writers.egoexo4d_body import new_folder, take_name, write_egoexo4d
from mmegopose.structures import get_skeleton


def make_clip(name, action, split, seed=0, frames=8):
    """Joints anywhere; the wearer stands upright and looks along +x, then turns to +y."""
    rng, angle = np.random.default_rng(seed), np.linspace(0, np.pi / 2, frames)
    pose = np.tile(np.eye(4), (frames, 1, 1))
    zero, c, s = np.zeros(frames), np.cos(angle), np.sin(angle)
    right, down, forward = (s, -c, zero), (zero, zero, zero - 1), (c, s, zero)
    pose[:, :3, :3] = np.stack([np.stack(v, 1) for v in (right, down, forward)], 2)
    pose[:, :3, 3] = rng.normal(0, 2, (frames, 3))
    return MocapSequence(name, 'somebody', action, 'made', split, rng.normal(0, 2, (frames, 17, 3)).astype(np.float32),
                rng.normal(0, 2, (frames, 17, 3)).astype(np.float32), pose.astype(np.float32))


@pytest.fixture
def clips():
    made = [make_clip('06_01', 'basketball - dribble', 'train', 0), make_clip('07_01', 'walk', 'val', 1),
            make_clip('10_01', 'soccer: kick', 'test', 2)]
    made[0].joints[3, 4] = np.nan
    made[2].joints[6, 2] = np.nan
    return MocapSequences.join(made)


def read(path):
    return json.loads(path.read_text())


def tree(root):
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob('*.json'))}


def test_layout(tmp_path, clips):
    counts = write_egoexo4d(clips, tmp_path / 'out')
    assert counts == dict(train=1, val=1, test=1)
    takes = {take['take_name']: take for take in read(tmp_path / 'out' / 'takes.json')}
    assert [take['task_id'] // 1000 for take in takes.values()] == [6, 0, 8]
    assert list(takes) == ['06_01_basketball_dribble', '07_01_walk', '10_01_soccer_kick']
    splits = read(tmp_path / 'out' / 'annotations' / 'splits.json')
    base = tmp_path / 'out' / 'annotations' / 'ego_pose'
    for split, take in zip(('train', 'val', 'test'), takes.values()):
        uid = take['take_uid']
        assert take['root_dir'] == f'takes/{take["take_name"]}'
        assert splits['take_uid_to_split'][uid] == split and splits['split_to_take_uids'][split] == [uid]
        assert 'ego_pose' in splits['take_uid_to_benchmark'][uid]
        labels = {p.parent.name for p in (base / split).glob(f'body/*/{uid}.json')}
        assert labels == (set() if split == 'test' else {'annotation', 'automatic'})
        camera = read(base / split / 'camera_pose' / f'{uid}.json')
        assert camera['metadata'] == dict(take_name=take['take_name'], take_uid=uid)
        assert list(camera['aria01']['camera_extrinsics']) == [str(frame) for frame in range(8)]


def test_round_trip(tmp_path, clips):
    write_egoexo4d(clips, tmp_path / 'out')
    base, names = tmp_path / 'out' / 'annotations' / 'ego_pose', get_skeleton('coco17').joints
    for clip in list(clips)[:2]:
        automatic = read(next((base / clip.split / 'body' / 'automatic').iterdir()))
        manual = read(next((base / clip.split / 'body' / 'annotation').iterdir()))
        assert list(automatic) == [str(frame) for frame in range(8)] and list(manual) == ['0', '3', '6']
        assert all(manual[frame] == automatic[frame] for frame in manual)
        for frame, raters in automatic.items():
            labels, want = raters[0]['annotation3D'], clip.joints[int(frame)]
            present = [i for i in range(17) if np.isfinite(want[i]).all()]
            assert list(labels) == [names[i] for i in present]
            got = [[labels[names[i]][axis] for axis in 'xyz'] for i in present]
            np.testing.assert_allclose(got, want[present], rtol=0, atol=1e-6)
    assert 'left-ear' in automatic['3'][0]['annotation3D']


def test_camera_axes(tmp_path, clips):
    write_egoexo4d(clips, tmp_path / 'out')
    clip = clips[0]
    file = next((tmp_path / 'out' / 'annotations' / 'ego_pose' / 'train' / 'camera_pose').iterdir())
    world_to_camera = np.array(list(read(file)['aria01']['camera_extrinsics'].values()))  # (T,3,4)
    rotation, translation = world_to_camera[:, :, :3], world_to_camera[:, :, 3]
    np.testing.assert_allclose(rotation @ rotation.transpose(0, 2, 1), np.tile(np.eye(3), (8, 1, 1)), atol=1e-6)
    np.testing.assert_allclose(np.linalg.det(rotation), 1, atol=1e-6)
    center = -(rotation.transpose(0, 2, 1) @ translation[:, :, None])[:, :, 0]
    np.testing.assert_allclose(center, clip.head_pose[:, :3, 3], atol=1e-5)
    down, left, forward = rotation.transpose(1, 0, 2)  # rows: the camera's axes in the world
    np.testing.assert_allclose(forward, clip.head_pose[:, :3, 2], atol=1e-6)
    np.testing.assert_allclose(down, np.tile([0, 0, -1], (8, 1)), atol=1e-6)
    np.testing.assert_allclose(left[0], [0, 1, 0], atol=1e-6)
    ahead = clip.head_pose[:, :3, 3] + clip.head_pose[:, :3, 2]
    seen = (rotation @ ahead[:, :, None])[:, :, 0] + translation
    np.testing.assert_allclose(seen, np.tile([0, 0, 1], (8, 1)), atol=1e-5)


def test_challenge_files(tmp_path, clips):
    counts = write_egoexo4d(clips, tmp_path / 'out', test_from_val=True)
    assert counts == dict(train=1, val=1, test=2)
    template, truth = read(tmp_path / 'out' / 'dummy_test.json'), read(tmp_path / 'out' / 'private_test_gt.json')
    assert template.keys() == truth.keys() and len(template) == 2
    names = {take['take_uid']: take for take in read(tmp_path / 'out' / 'takes.json')}
    wanted = {'07_01_walk_test': clips[1], '10_01_soccer_kick': clips[2]}
    for uid, entry in template.items():
        clip = wanted[names[uid]['take_name']]
        assert entry == dict(take_name=names[uid]['root_dir'], body={'0': [], '3': [], '6': []})
        assert truth[uid]['take_name'] == entry['take_name']
        np.testing.assert_allclose(list(truth[uid]['body'].values()), clip.joints[::3], rtol=0, atol=1e-6)
    assert len({take['take_uid'] for take in names.values()}) == 4
    assert len(list((tmp_path / 'out' / 'annotations' / 'ego_pose' / 'test').rglob('*.json'))) == 2


def test_open_benchmark_has_test_labels(tmp_path, clips):
    write_egoexo4d(clips, tmp_path / 'closed')
    write_egoexo4d(clips, tmp_path / 'open', test_labels=True)
    folder = 'annotations/ego_pose/test/body/annotation'
    assert not (tmp_path / 'closed' / folder).exists()
    truth = read(tmp_path / 'open' / 'private_test_gt.json')
    for uid, take in truth.items():
        labels = read(tmp_path / 'open' / folder / f'{uid}.json')
        assert list(labels) == list(take['body'])
        nose = labels['0'][0]['annotation3D']['nose']
        assert [nose[axis] for axis in 'xyz'] == take['body']['0'][0]


def test_deterministic_and_complete_or_absent(tmp_path, clips):
    write_egoexo4d(clips, tmp_path / 'a', test_from_val=True)
    (tmp_path / 'b').mkdir()  # an empty folder may be there
    write_egoexo4d(clips, tmp_path / 'b', test_from_val=True)
    assert tree(tmp_path / 'a') == tree(tmp_path / 'b')
    with pytest.raises(FileExistsError, match='not an empty folder'):
        write_egoexo4d(clips, tmp_path / 'a')

    def broken():
        yield clips[0]
        raise RuntimeError('reader failed')

    with pytest.raises(RuntimeError, match='reader failed'):
        write_egoexo4d(broken(), tmp_path / 'c')
    with pytest.raises(ValueError, match="named '06_01'"):
        write_egoexo4d([clips[0], clips[0]], tmp_path / 'c')
    with pytest.raises(ValueError, match='no sequence'):
        write_egoexo4d([], tmp_path / 'c')
    assert sorted(path.name for path in tmp_path.iterdir()) == ['a', 'b']


def test_take_name():
    assert take_name(make_clip('49_02', 'jump up/down, hop', 'train')) == '49_02_jump_up_down_hop'
    assert take_name(make_clip('humanoid3d_walk', 'walk', 'train')) == 'humanoid3d_walk'
    assert take_name(make_clip('35_01', '', 'train')) == '35_01'


def test_sample_root(tmp_path, monkeypatch):
    monkeypatch.setenv('MMEGOPOSE_CACHE', str(tmp_path))
    root = sample_root()
    assert root.parent == tmp_path and root.name.startswith('mocap_sample-')
    stamp = (root / 'takes.json').stat().st_mtime_ns
    assert sample_root() == root and (root / 'takes.json').stat().st_mtime_ns == stamp
    splits = read(root / 'annotations' / 'splits.json')['split_to_take_uids']
    assert {split: len(uids) for split, uids in splits.items()} == dict(train=19, val=1, test=1)
    assert len(read(root / 'dummy_test.json')) == 1


def test_sample_root_when_another_process_is_first(tmp_path, monkeypatch):
    monkeypatch.setenv('MMEGOPOSE_CACHE', str(tmp_path))

    def other_process(clips, root, **options):
        write_egoexo4d(clips, root, **options)
        write_egoexo4d(clips, root, **options)

    monkeypatch.setattr(sample, 'write_egoexo4d', other_process)
    assert (sample_root() / 'dummy_test.json').is_file()


def test_tool(tmp_path, clips):
    clips.save(tmp_path / 'clips.npz')

    def run(*words):
        return completed('dataset_converters/mocap.py', *words, cwd=tmp_path)

    done = run('npz', 'clips.npz', 'out')
    assert done.returncode == 0 and '1 train takes, 1 val takes, 1 test takes' in done.stdout
    assert (tmp_path / 'out' / 'takes.json').is_file()
    again = run('npz', 'clips.npz', 'out')
    assert again.returncode == 2 and again.stderr.count('\n') == 1 and 'not an empty folder' in again.stderr


def test_container_round_trip(tmp_path, clips):
    clips.save(tmp_path / 'clips.npz')
    loaded = MocapSequences.load(tmp_path / 'clips.npz')
    for key, value in vars(clips).items():
        np.testing.assert_array_equal(getattr(loaded, key), value)
    assert [clip.name for clip in loaded] == clips.names.tolist()


@pytest.mark.parametrize('key, value', [
    ('names', np.repeat('a', 20)), ('splits', np.repeat('dev', 20)), ('offsets', np.arange(21)),
    ('fps', np.float32(25)), ('joints3d', np.zeros((5, 17, 2))), ('head_pose', np.ones((4247, 4, 4))),
    ('coco_names', np.repeat('nose', 17)), ('subjects', np.array([None] * 20, object)), ('actions', None)])
def test_container_names_the_bad_key(tmp_path, key, value):
    with np.load(ASSET) as file:
        arrays = dict(file)
    arrays.pop(key)
    np.savez(tmp_path / 'bad.npz', **arrays, **({} if value is None else {key: value}))
    with pytest.raises(ValueError, match=f"bad.npz.*'{key}'"):
        MocapSequences.load(tmp_path / 'bad.npz')


def test_container_cut_off(tmp_path):
    (tmp_path / 'bad.npz').write_bytes(ASSET.read_bytes()[:100000])
    with pytest.raises(ValueError, match='bad.npz cannot be read .*damaged, cut off or no npz'):
        MocapSequences.load(tmp_path / 'bad.npz')


def test_asset():
    assert ASSET.stat().st_size < 2e6 and ASSET.with_name('NOTICE').is_file()
    with pytest.raises(FileNotFoundError, match="gone.npz is missing: .*mocap.py writes.*'sample'.*as data_root"):
        MocapSequences.load('gone.npz')
    clips = MocapSequences.load(ASSET)
    assert len(clips) == 20 and clips.offsets[-1] == 4247 and clips.joints3d.dtype == np.float32
    assert {clip.name for clip in clips if clip.split == 'val'} == {'mocap_climb_seq_4'}
    assert set(clips.splits.tolist()) == {'train', 'val'}
    assert not {c.subject for c in clips if c.split == 'val'} & {c.subject for c in clips if c.split == 'train'}
    rotation = clips.head_pose[:, :3, :3].astype(float)
    np.testing.assert_allclose(rotation @ rotation.transpose(0, 2, 1), np.tile(np.eye(3), (4247, 1, 1)), atol=1e-6)
    np.testing.assert_allclose(clips.joints3d[:, 1:3].mean(1), clips.head_pose[:, :3, 3], atol=1e-6)
    nose = clips.joints3d[:, 0] - clips.joints3d[:, 3:5].mean(1)  # the nose is in front of the ears
    assert ((nose * clips.head_pose[:, :3, 2]).sum(1) > .1).all()
    for clip in clips:
        for a, b in ((5, 7), (7, 9), (11, 13), (13, 15), (6, 8), (8, 10), (12, 14), (14, 16)):
            assert np.linalg.norm(clip.joints[:, a] - clip.joints[:, b], axis=1).std() < 5e-3


def test_wheels_reject_other_files(tmp_path):
    with zipfile.ZipFile(tmp_path / 'a.whl', 'w') as file:
        file.writestr('readme.txt', '')
    with pytest.raises(ValueError, match=r'a\.whl holds no motion.*pybullet'):
        read_wheels(tmp_path / 'a.whl', tmp_path / 'a.whl')
    (tmp_path / 'b.whl').write_text('x')
    with pytest.raises(ValueError, match=r'b\.whl is not a complete wheel'):
        read_wheels(tmp_path / 'b.whl', tmp_path / 'a.whl')


def test_a_damaged_sample_in_the_cache_is_made_anew(tmp_path, monkeypatch):
    monkeypatch.setenv('MMEGOPOSE_CACHE', str(tmp_path))
    monkeypatch.setattr('mmegopose.datasets.shipped_motion.write_egoexo4d',
                        lambda clips, root, **_: (root.mkdir(), (root / 'takes.json').write_text('[]')))
    root = sample_root()
    (root / 'takes.json').unlink()
    (root / 'rest').write_text('')
    assert sample_root() == root and [path.name for path in root.iterdir()] == ['takes.json']


@pytest.mark.skipif(sys.platform == 'win32', reason='folders have no locks')
def test_what_killed_runs_have_left_is_deleted_and_nothing_else(tmp_path):
    """A folder that is being written, a link and other names stay."""
    kept = [tmp_path / name for name in ('.s.old', '.other.0123abcd', 's.0123abcd', '.s.0123abcde')]
    for path in (*kept, left := tmp_path / '.s.0123abcd'):
        path.mkdir()
        (path / 'file').touch()
    (tmp_path / '.s.aaaaaaaa').symlink_to(kept[0])
    with new_folder(tmp_path / 's') as first:
        with pytest.raises(FileExistsError, match='exists and is not an empty'), new_folder(tmp_path / 's') as second:
            assert first.is_dir() and not left.exists() and all((path / 'file').exists() for path in kept)
            (second / 'file').touch()
            (tmp_path / 's').mkdir()
            (tmp_path / 's/file').touch()
        shutil.rmtree(tmp_path / 's')
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [path.name for path in kept] + ['s', '.s.aaaaaaaa'])
