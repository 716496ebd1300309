"""What is written where, and what cannot be."""
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from helpers.written_motions import holes, mesh_motion, real_motion

from mmegopose.inference.writers import FILE_FORMATS, write_motion
from mmegopose.motion import Motion

SINGLE = [name for name, kind in FILE_FORMATS.items() if not kind.several]


@pytest.mark.parametrize('name, message', [
    ('walk.fbx', r"ends in \.fbx.*; (nearest|there are)"), ('walk.bhv', 'nearest: bvh'), ('walk', 'ends in nothing'),
    ('walk.jsn', 'nearest: json')])
def test_an_unknown_ending_tells_the_nearest(tmp_path, name, message):
    with pytest.raises(ValueError, match=message):
        write_motion(real_motion(), tmp_path / name)


def test_names_and_units_are_checked(tmp_path):
    with pytest.raises(ValueError, match="'gltf' is not known; nearest: glb"):
        write_motion(real_motion(), tmp_path / 'a.glb', 'gltf')
    with pytest.raises(ValueError, match="format 'amass' should end in .npz"):
        write_motion(real_motion(), tmp_path / 'a.bvh', 'amass')
    with pytest.raises(ValueError, match='is in metres, always'):
        write_motion(real_motion(), tmp_path / 'a.glb', unit='cm')
    with pytest.raises(ValueError, match="one of \\('m', 'mm'\\)"):
        write_motion(real_motion(), tmp_path / 'a.trc', unit='cm')
    with pytest.raises(ValueError, match='frame_number=200: the motion has 200 frames'):
        write_motion(real_motion(), tmp_path / 'a.obj', frame_number=200)
    with pytest.raises(ValueError, match='give one of them'):
        write_motion(real_motion(), tmp_path / 'a.obj', frame_number=2, time=1)
    with pytest.raises(ValueError, match='nothing to write'):
        write_motion(real_motion(), tmp_path / 'a.obj', time=100)
    with pytest.raises(ValueError, match='needs a head track'):
        write_motion(mesh_motion(), tmp_path / 'a.csv', frame='world')
    with pytest.raises(ValueError, match='there is no motion'):
        write_motion([], tmp_path / 'a.csv')
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('format', [name for name in FILE_FORMATS if name != 'amass'])
@pytest.mark.parametrize('frames', [1, 2, 200])
def test_every_format_takes_holes_and_short_motions(tmp_path, format, frames):
    motion = holes()[49:49 + frames]
    written = write_motion(motion, tmp_path / f'a{FILE_FORMATS[format].suffix}', format)
    assert written.files[0].exists() and written.notes


@pytest.mark.parametrize('name', ['a.csv', 'a.glb', 'b.npz'])
def test_what_is_there_is_kept(tmp_path, name):
    motion = real_motion()
    (tmp_path / name).write_text('mine')
    with pytest.raises(ValueError, match='is there already'):
        write_motion(motion, tmp_path / name)
    assert (tmp_path / name).read_text() == 'mine'
    write_motion(motion, tmp_path / name, overwrite=True)
    assert (tmp_path / name).stat().st_size > 1000


@pytest.mark.parametrize('name', SINGLE)
def test_people_have_files_of_their_own_where_one_holds_one(tmp_path, name):
    if name == 'amass':
        people = [replace(mesh_motion(), person=person) for person in ('a/b', 'a_b', '')]
    else:
        people = [replace(holes(), person=person) for person in ('a/b', 'a_b', '')]
    suffix = FILE_FORMATS[name].suffix
    written = write_motion(people, tmp_path / f'walk{suffix}', name)
    assert [file.name for file in written.files] == [f'walk_{person}{suffix}' for person in ('a_b_0', 'a_b_1', '2')]
    assert all(file.stat().st_size for file in written.files)


def test_places_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / 'file').write_text('')
    with pytest.raises(ValueError, match='file is a file'):
        write_motion(real_motion(), tmp_path / 'file' / 'a.bvh')
    (tmp_path / 'folder.bvh').mkdir()
    with pytest.raises(ValueError, match='is a folder'):
        write_motion(real_motion(), tmp_path / 'folder.bvh', overwrite=True)
    monkeypatch.setattr(os, 'access', lambda *args, **kwargs: False)
    with pytest.raises(PermissionError, match='not yours to change'):
        write_motion(real_motion(), tmp_path / 'a.bvh')


def test_a_full_disk_leaves_nothing_and_names_the_file(tmp_path):
    script = tmp_path / 'fill.py'
    script.write_text(f"""
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
import numpy as np
from mmegopose.inference.writers import FILE_FORMATS, write_motion
from mmegopose.motion import Motion
resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))  # no file may be larger, as if the disk were full
motion = Motion(np.arange(500) / 30, np.random.rand(500, 17, 3), 'coco17')
for name, kind in FILE_FORMATS.items():
    if name != 'amass':
        try:
            write_motion(motion, {str(tmp_path)!r} + '/a' + kind.suffix)
        except OSError as error:
            print(error.filename.split('/')[-1])
""")
    out = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert out.stdout.split() == ['a.npz', 'a.json', 'a.csv', 'a.bvh', 'a.glb', 'a_00000.obj', 'a_00000.ply',
                                  'a.trc'], out.stderr
    assert not [file for file in tmp_path.rglob('*') if file.is_file() and file.name != 'fill.py']


def test_a_motion_that_is_not_in_the_world_is_turned_upright(tmp_path):
    motion = real_motion(frame='root')
    write_motion(motion, tmp_path / 'a.obj', frame_number=0)
    lines = (tmp_path / 'a.obj').read_text().splitlines()
    heights = [float(line.split()[2]) for line in lines if line.startswith('v ')]
    assert min(heights) == pytest.approx(-motion.joints[0, :, 1].max(), abs=0.03)  # what was down is low


def test_part_rate_skeleton_and_frame(tmp_path):
    motion = real_motion()
    write_motion(motion, tmp_path / 'a.npz', start=1, stop=3, fps=10, skeleton='h36m17', frame='root')
    part = Motion.load(tmp_path / 'a.npz')
    assert part.frame == 'root' and part.skeleton == 'h36m17' and len(part) == 20 and part.fps == pytest.approx(10)
    assert np.abs(part.joints[:, 0]).max() < 1e-6


@pytest.mark.parametrize('name', ['a.glb', 'a.bvh', 'a.ply'])
def test_who_has_no_pose_is_left_out_and_told(tmp_path, name):
    nobody = replace(real_motion(person='ghost'), valid=np.zeros((200, 17), bool))
    late = replace(real_motion(person='late')[:3], time=np.array([90.0, 90.1, 90.2]))
    written = write_motion([real_motion(), nobody, late], tmp_path / name, stop=1)
    assert [note for note in written.notes if 'left out' in note] == [
        'late is left out, without any pose there', 'ghost is left out, without any pose there']
    assert len(written.files) == 1 and written.files[0].exists()


def test_a_joint_that_is_never_seen_is_told(tmp_path):
    motion = real_motion()
    valid = motion.valid.copy()
    valid[:, [9, 11, 12]] = False
    notes = write_motion(Motion(motion.time, motion.joints, 'coco17', valid), tmp_path / 'a.bvh').notes
    told, = [note for note in notes if 'never seen' in note]
    assert all(name in told for name in ('pelvis', 'left-wrist', 'left-hip'))


def test_people_never_share_a_file(tmp_path):
    people = [real_motion(person=person) for person in ('x', 'x', 'x_0', 'X')]
    files = write_motion(people, tmp_path / 'a.bvh').files
    assert len({file.name.lower() for file in files}) == 4 and len(list(tmp_path.iterdir())) == 4
    files = write_motion([real_motion(person=sign * 100) for sign in 'é名'], tmp_path / 'b.csv', 'csv').files
    files += write_motion([real_motion(person=sign * 100) for sign in 'é名'], tmp_path / 'b.trc').files
    assert all(file.exists() for file in files)


def test_an_old_sequence_is_lost_only_to_a_new_one(tmp_path):
    motion = real_motion()
    write_motion(motion, tmp_path / 'a.obj')
    files = sorted(path.name for path in (tmp_path / 'a_obj').iterdir())
    long = Motion(
        np.arange(10_001.), np.zeros((10_001, motion.num_joints, 3)), motion.skeleton)
    with pytest.raises(ValueError, match='more than 10000'):
        write_motion(long, tmp_path / 'a.obj', overwrite=True)
    assert sorted(path.name for path in (tmp_path / 'a_obj').iterdir()) == files
    gone = np.ones((5, motion.num_joints), bool)
    gone[2] = False
    write_motion(replace(motion[:5], valid=gone), tmp_path / 'a.obj', overwrite=True)
    assert sorted(path.name[-5] for path in (tmp_path / 'a_obj').iterdir()) == ['0', '1', '3', '4']


@pytest.mark.parametrize('format', ['bvh', 'trc'])
def test_a_hole_of_a_day_is_not_filled_with_frames(tmp_path, format):
    motion = real_motion()
    late = replace(motion, time=motion.time + np.where(np.arange(len(motion)) < 100, 0, 86400))
    with pytest.raises(ValueError, match='200 frames would become 2.59e'):
        write_motion(late, tmp_path / f'a.{format}')
    slow = replace(motion, time=np.cumsum(np.random.default_rng(0).uniform(1e5, 2e5, len(motion))))
    assert write_motion(slow, tmp_path / f'a.{format}').files


def test_people_of_different_places_do_not_stand_in_one_scene(tmp_path):
    with pytest.raises(ValueError, match='walker is relative to the world and other is relative to the root'):
        write_motion([real_motion(person='walker'), replace(real_motion(person='other'), frame='root')],
                     tmp_path / 'a.glb')


def test_words_of_a_file_choose_no_axes(tmp_path):
    for axes in ('moon', ['moon']):
        motion = replace(real_motion(), frame='root', provenance=dict(axes=axes))
        written = write_motion(motion, tmp_path / 'a.json', overwrite=True)
        assert written.notes == ['lengths are in metres, x right, y down, z forward']


def test_a_name_of_any_length_that_the_disk_takes(tmp_path):
    assert write_motion(real_motion(), tmp_path / f'{"a" * 240}.csv').files[0].exists()
    assert write_motion(real_motion(), tmp_path / f'{"名" * 80}.NPZ').files[0].exists()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_file_with_one_rate_lasts_as_long_as_its_motion(tmp_path):
    """Steps of 33.3 and, less often, of 33.6 ms: by the median the file would be two frames short."""
    count = 600
    for steps in (np.tile([33.3, 33.3, 33.3, 33.6, 33.6], count // 5), np.repeat([33.3, 33.6], [360, 240])):
        motion = Motion(np.cumsum(steps) / 1000, np.tile(real_motion().joints[:1], (count, 1, 1)), 'coco17')
        lines = write_motion(motion, tmp_path / 'a.bvh', overwrite=True).files[0].read_text().splitlines()
        frames, step = (float(line.split()[-1]) for line in lines if line.startswith('Frame'))
        assert (frames - 1) * step == pytest.approx(motion.duration, abs=0.033)
