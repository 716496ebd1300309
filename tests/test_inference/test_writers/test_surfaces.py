"""OBJ and PLY, read back by trimesh; parameters of SMPL, posed again by the body model."""
import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers.written_motions import holes, mesh_motion, real_motion, y_up
from scipy.spatial.transform import Rotation

from mmegopose.body_models import SkinnedModel
from mmegopose.geometry.bone_shapes import TRIANGLES, octahedra
from mmegopose.inference.writers import write_motion


def load(path):
    trimesh = pytest.importorskip('trimesh', reason='trimesh is in the extra "tests"')
    return trimesh.load(path, process=False, maintain_order=True, force='mesh')


@pytest.mark.parametrize('unit, scale', [(None, 1), ('cm', 100)])
def test_a_mesh_at_one_time(tmp_path, unit, scale):
    motion = mesh_motion()
    shown = motion.upright().mesh
    for name, axes in (('a.obj', y_up), ('a.ply', lambda points: points)):
        write_motion(motion, tmp_path / name, frame_number=3, unit=unit)
        mesh = load(tmp_path / name)
        np.testing.assert_allclose(mesh.vertices, axes(shown.vertices[3]) * scale, atol=1e-5 * scale)
        np.testing.assert_array_equal(mesh.faces, shown.faces)
    assert b'binary_little_endian' in (tmp_path / 'a.ply').read_bytes()[:60]


def test_bones_are_closed_and_look_outwards(tmp_path):
    motion = real_motion()
    write_motion(motion, tmp_path / 'a.ply', time=1.0)
    parts = load(tmp_path / 'a.ply').split()
    assert len(parts) == 19 and all(part.is_watertight and part.volume > 0 for part in parts)
    one = octahedra(np.zeros((1, 3)), np.array([[0, 0, .5]]))[0]
    assert one.shape == (6, 3) and set(TRIANGLES.ravel()) == set(range(6))


def test_people_are_objects_of_one_file(tmp_path):
    write_motion([real_motion(person='a b/../c'), real_motion(person='')], tmp_path / 'a.obj', frame_number=0)
    assert [line for line in (tmp_path / 'a.obj').read_text().splitlines() if line.startswith('o ')] == [
        'o a_b_.._c', 'o 1']
    assert len(load(tmp_path / 'a.obj').faces) == 2 * 19 * 8


def test_a_sequence_is_a_folder_whose_numbers_keep_the_holes(tmp_path):
    motion = holes()
    written = write_motion(motion, tmp_path / 'a.ply', start=1.5, stop=2.5)
    assert written.files == [tmp_path / 'a_ply'] and any('20 frames without a pose have no file' in n for n in
                                                         written.notes)
    numbers = sorted(int(file.stem.split('_')[-1]) for file in (tmp_path / 'a_ply').iterdir())
    assert numbers == [*range(5), *range(25, 30)]
    with pytest.raises(ValueError, match='is there already and holds files'):
        write_motion(motion, tmp_path / 'a.ply', start=1.5, stop=2.5)
    (tmp_path / 'a_ply' / 'mine.txt').write_text('kept')
    write_motion(motion, tmp_path / 'a.ply', start=0, stop=0.1, overwrite=True)
    assert sorted(file.name for file in (tmp_path / 'a_ply').iterdir()) == [
        'a_00000.ply', 'a_00001.ply', 'a_00002.ply', 'mine.txt']


def test_too_many_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr('mmegopose.inference.writers.surfaces.MAX_FILES', 10)
    with pytest.raises(ValueError, match='a file for each of 200 frames is more than 10'):
        write_motion(real_motion(), tmp_path / 'a.obj')


def test_parameters_of_smpl_pose_the_same_body(tmp_path):
    motion = mesh_motion()
    vertices = motion.mesh.vertices.copy()
    vertices[2] = np.nan
    motion = replace(motion, mesh=replace(motion.mesh, vertices=vertices))
    notes = write_motion(motion, tmp_path / 'a.npz', 'amass').notes
    assert any('1 frames without a body' in note for note in notes)
    content = np.load(tmp_path / 'a.npz')
    assert content['poses'].shape == (6, 72) and content['surface_model_type'] == 'open_body'
    assert content['mocap_framerate'] == content['mocap_frame_rate'] == pytest.approx(30)
    np.testing.assert_array_equal(content['valid'], [True, True, False, True, True, True])
    turns = torch.from_numpy(Rotation.from_rotvec(content['poses'].reshape(-1, 3)).as_matrix().reshape(6, 24, 3, 3))
    posed = SkinnedModel('open_body')(turns[:, :1].float(), turns[:, 1:].float(), torch.from_numpy(
        content['betas']).float().expand(6, -1), torch.from_numpy(content['trans']).float())['vertices'].numpy()
    shown = motion.upright().mesh.vertices
    there = content['valid']
    np.testing.assert_allclose(posed[there], shown[there], atol=1e-5)
    np.testing.assert_array_equal(posed[2], posed[1])


@pytest.mark.parametrize('motion, reason', [
    (real_motion, 'joints, but no parameters of SMPL'), (lambda: mesh_motion('open_hand'), 'one of a hand')])
def test_amass_says_why_not_and_what_instead(tmp_path, motion, reason):
    with pytest.raises(ValueError, match=f'{reason}.*write bvh or glb'):
        write_motion(motion(), tmp_path / 'a.npz', 'amass')


def test_a_sequence_is_whole_or_not_there(tmp_path, monkeypatch):
    motion, write = real_motion()[:5], os.fsync
    calls: list = []

    def full_disk(number):
        calls.append(number)
        if len(calls) == 3:
            raise OSError(28, 'No space left on device')
        write(number)

    monkeypatch.setattr(os, 'fsync', full_disk)
    with pytest.raises(OSError, match=r'No space left.*a_obj/a_00002\.obj'):
        write_motion(motion, tmp_path / 'a.obj')
    assert not list(tmp_path.iterdir())
    write_motion(motion, tmp_path / 'a.obj')
    assert [path.name for path in tmp_path.iterdir()] == ['a_obj'] and len(list((tmp_path / 'a_obj').iterdir())) == 5
