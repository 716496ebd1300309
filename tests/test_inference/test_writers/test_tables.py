"""JSON, CSV, TRC and npz, read back by json, csv, numpy and a plain parser."""
import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from helpers.written_motions import holes, mesh_motion, real_motion

from mmegopose.inference.writers import write_motion
from mmegopose.inference.writers.trc import marker_names
from mmegopose.motion import Motion
from mmegopose.structures import get_skeleton

STRICT = dict(parse_constant=lambda name: pytest.fail(f'{name} is no JSON'))


def test_json_has_everything_and_null_where_nothing_is(tmp_path):
    motion = replace(holes(), confidence=np.linspace(0, 1, 200 * 17).reshape(200, 17), keypoints=np.full(
        (200, 17, 2), np.nan, np.float32), image_size=(640, 480))
    write_motion(motion, tmp_path / 'a.json')
    document = json.loads((tmp_path / 'a.json').read_text(), **STRICT)
    assert (document['format'], document['version'], document['units']['length']) == ('mmegopose motion', 1, 'metre')
    person, = document['people']
    assert person['person'] == 'walker' and person['axes'] == 'z up' and person['image_size'] == [640, 480]
    assert person['provenance'] == dict(recording='walk "1".csv')
    np.testing.assert_allclose(person['time'], motion.time, atol=1e-6)
    there = np.array([[joint is not None for joint in row] for row in person['joints']])
    np.testing.assert_array_equal(there, motion.valid)
    got = np.array([joint for row in person['joints'] for joint in row if joint is not None])
    np.testing.assert_allclose(got, motion.joints[motion.valid], atol=1e-6)
    np.testing.assert_allclose(person['confidence'], motion.confidence, atol=1e-4)
    assert person['head_pose'][50] is None and person['keypoints'][3] == [None] * 17
    np.testing.assert_allclose(person['head_pose'][3], motion.head_pose[3], atol=1e-8)


def test_json_has_the_mesh(tmp_path):
    motion = mesh_motion()
    vertices = motion.mesh.vertices.copy()
    vertices[2] = np.nan
    motion = replace(motion, mesh=replace(motion.mesh, vertices=vertices))
    write_motion(motion, tmp_path / 'a.json')
    mesh = json.loads((tmp_path / 'a.json').read_text(), **STRICT)['people'][0]['mesh']
    assert mesh['faces'] == motion.mesh.faces.tolist() and mesh['vertices'][2] is None
    np.testing.assert_allclose(mesh['vertices'][5], vertices[5], atol=1e-6)
    assert set(mesh['parameters']) == set(motion.mesh.parameters)
    np.testing.assert_allclose(mesh['parameters']['body_pose'], motion.mesh.parameters['body_pose'], rtol=1e-6)


@pytest.mark.parametrize('frames', [0, 1, 5000])
def test_json_of_any_number_of_frames(tmp_path, frames):
    motion = Motion(np.arange(frames) / 30, np.zeros((frames, 17, 3)), 'coco17', frame='root')
    if not frames:
        with pytest.raises(ValueError, match='no frame is between start and stop'):
            write_motion(motion, tmp_path / 'a.json')
        return
    write_motion([motion, replace(motion, person='b')], tmp_path / 'a.json')
    people = json.loads((tmp_path / 'a.json').read_text(), **STRICT)['people']
    assert [len(person['joints']) for person in people] == [frames] * 2
    assert people[0]['axes'] == 'x right, y down, z forward'


def rows_of(path):
    with open(path, newline='') as file:
        return list(csv.reader(file))


def test_csv_has_a_row_for_each_frame_and_empty_cells(tmp_path):
    motion = holes()
    notes = write_motion(motion, tmp_path / 'a.csv', unit='mm').notes
    assert notes == ['lengths are in mm, z up']
    head, *rows = rows_of(tmp_path / 'a.csv')
    assert head[:4] == ['time', 'nose_x', 'nose_y', 'nose_z'] and head[-1] == 'head_camera_qw'
    assert len(rows) == 200 and rows[55][1:] == [''] * 58
    values = np.array([[float(cell or 'nan') for cell in row] for row in rows])
    np.testing.assert_allclose(values[:, 1:52].reshape(200, 17, 3)[motion.valid] / 1000, motion.joints[motion.valid],
                               atol=1e-6)
    np.testing.assert_allclose(values[0, 52:55] / 1000, motion.head_pose[0, :3, 3], atol=1e-6)
    np.testing.assert_allclose(np.abs(values[0, 55:]), [np.sqrt(.5), 0, 0, np.sqrt(.5)], atol=1e-6)
    np.testing.assert_array_equal(np.genfromtxt(tmp_path / 'a.csv', delimiter=',', names=True)['time'], values[:, 0])


def test_csv_of_several_people_with_any_names(tmp_path):
    names = ['nan, "x"\n%d', 'Hernan']
    write_motion([replace(holes(), person=name) for name in names], tmp_path / 'a.csv')
    head, *rows = rows_of(tmp_path / 'a.csv')
    assert head[:3] == ['time', 'person', 'nose_x']
    assert [row[1] for row in rows] == [name for name in names for _ in range(200)]
    assert rows[55][2:] == [''] * 58 and {len(row) for row in rows} == {60}
    with pytest.raises(ValueError, match='joints of one skeleton'):
        write_motion([real_motion(), real_motion().convert('h36m17')], tmp_path / 'b.csv')


def test_trc_has_opensim_axes_and_blanks(tmp_path):
    motion = holes()
    notes = write_motion(motion, tmp_path / 'a.trc', unit='mm').notes
    assert '25 frames have markers that are missing' in notes[-1]
    lines = [line.split('\t') for line in (tmp_path / 'a.trc').read_text().split('\n')]
    facts = dict(zip(lines[1], lines[2]))
    assert facts['NumFrames'] == '200' and facts['NumMarkers'] == '17' and facts['Units'] == 'mm'
    assert float(facts['DataRate']) == pytest.approx(30)
    assert lines[3][:3] == ['Frame#', 'Time', 'Nose'] and lines[3][3:6] == ['', '', 'LEye'] and lines[5] == ['']
    assert lines[4][2:6] == ['X1', 'Y1', 'Z1', 'X2'] and {len(line) for line in lines[6:206]} == {2 + 3 * 17}
    assert lines[6][0] == '1' and lines[6 + 55][2:] == [''] * 51
    marker = lines[3].index('RHip')
    x, y, z = motion.joints[10, 12] * 1000
    np.testing.assert_allclose([float(cell) for cell in lines[16][marker:marker + 3]], [x, z, -y], atol=1e-3)


def test_marker_names_are_those_of_pose2sim():
    names = marker_names(get_skeleton('halpe26').joints)
    assert names[-9:] == ['Head', 'Neck', 'Hip', 'LBigToe', 'RBigToe', 'LSmallToe', 'RSmallToe', 'LHeel', 'RHeel']
    for skeleton in ('h36m17', 'h36m32', 'smpl24', 'mpi_inf_3dhp28', 'mediapipe33', 'hand21'):
        names = marker_names(get_skeleton(skeleton).joints)
        assert len(set(names)) == len(names)


def test_npz_is_the_motion(tmp_path):
    motion = holes()
    write_motion(motion, tmp_path / 'a.npz', start=1.0, stop=2.0)
    np.testing.assert_array_equal(Motion.load(tmp_path / 'a.npz').joints, motion.cut(1.0, 2.0).joints)


def test_csv_keeps_holes_beside_names_of_any_letters(tmp_path):
    people = [replace(holes(), person=person) for person in ('nan', '1.000000', 'nan\n%s, "x"')]
    write_motion(people, tmp_path / 'a.csv')
    rows = list(csv.DictReader((tmp_path / 'a.csv').open(newline='')))
    assert [row['person'] for row in rows[::200]] == ['nan', '1.000000', 'nan\n%s, "x"'] and len(rows) == 600
    assert all(row['left-wrist_x'] == '' and row['nose_x'] for row in rows[100::200])
