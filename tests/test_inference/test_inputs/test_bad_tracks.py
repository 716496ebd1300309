"""Bad input of every reader of head tracks: one clear line, or a marked hole; never a wrong track in silence."""
import datetime
import warnings

import numpy as np
import pytest
from helpers import track_files as files
from helpers.track_files import in_preset, walk
from test_inference.test_inputs.test_head_track_formats import WRITERS

from mmegopose.files import BadFile
from mmegopose.inference.inputs.head_tracks import read_array_track, read_csv_track, read_head_track, track_import
from mmegopose.inference.inputs.tables import read_table
from mmegopose.inference.inputs.times import find_time, guess_time_unit

TIME, POSES = walk()
TEXT = [name for name in WRITERS if name not in ('record3d', 'arrays', 'colmap', 'egoexo4d')]


def text_file(name, folder):
    """The text file that a writer wrote."""
    path = WRITERS[name][0](folder)
    if path.is_dir():
        path = next(p for p in path.rglob('*.csv'))
    return path


def lines_of(path):
    return path.read_text().splitlines()


def put(path, lines, end='\n'):
    path.write_text('\n'.join(lines) + end)
    return path


@pytest.mark.parametrize('name', TEXT)
def test_a_file_that_is_cut_off_loses_its_last_row_only(name, tmp_path):
    path = text_file(name, tmp_path)
    content = path.read_text()
    path.write_text(content[:-len(content.splitlines()[-1]) // 2 - 1])
    track = read_head_track(path, name, **WRITERS[name][1])
    assert len(track) == len(TIME) - 1 and 'is cut off' in ' '.join(track.facts['notes'])
    np.testing.assert_allclose(track.T_world_camera, POSES[:-1], atol=1e-9)


@pytest.mark.parametrize('name', TEXT)
@pytest.mark.parametrize('spoil, message', [
    (lambda row, mark: mark.join(row.split(mark)[:3]), 'line 12.* (columns|fields)'),
    (lambda row, mark: mark.join(['x1', *row.split(mark)[1:]]), "line 12.*should be a number, is 'x1'"),
    (lambda row, mark: '\x00\x01', 'line 12')])
def test_a_spoilt_line_is_named(name, spoil, message, tmp_path):
    path = text_file(name, tmp_path)
    lines = lines_of(path)
    mark = ',' if ',' in lines[11] else ' '
    place = 1 if name == 'aria_mps' else 0  # its first column is a name
    cells = lines[11].split(mark)
    lines[11] = mark.join(cells[:place] + [spoil(mark.join(cells[place:]), mark)])
    with pytest.raises(BadFile, match=message):
        read_head_track(put(path, lines), name, **WRITERS[name][1])


@pytest.mark.parametrize('name', TEXT)
def test_empty_files_and_files_without_rows(name, tmp_path):
    path = text_file(name, tmp_path)
    header = [line for line in lines_of(path)[:1] if line.startswith('#') or any(c.isalpha() for c in line)]
    for content in ([], header):
        with pytest.raises(BadFile, match='empty|no row|but no row|has 0 columns|has 1 columns|looks like no'):
            read_head_track(put(path, content, '\n' if content else ''), name, **WRITERS[name][1])
    path.write_bytes(bytes(range(256)) * 10)
    with pytest.raises(BadFile):
        read_head_track(path, name, **WRITERS[name][1])


@pytest.mark.parametrize('name', TEXT)
def test_one_row_is_a_track_of_one_pose(name, tmp_path):
    path = text_file(name, tmp_path)
    lines = lines_of(path)
    first = next(i for i, line in enumerate(lines) if i and not line.startswith('#'))
    head = lines[:first] if name in ('csv', 'aria_mps', 'stray_scanner', 'euroc', 'tum') else []
    row = lines[first if head else 0]
    track = read_head_track(put(path, [*head, row]), name, **WRITERS[name][1])
    assert len(track) == 1 and track.valid.all() and len(track.resample(30)) == 1


@pytest.mark.parametrize('name', [name for name in TEXT if name not in ('kitti',)])
def test_repeated_reversed_and_late_times(name, tmp_path):
    path = text_file(name, tmp_path)
    lines = lines_of(path)
    start = 0 if name == 'hololens' else next(i for i, line in enumerate(lines) if i and not line.startswith('#'))
    head, rows = lines[:start], lines[start:]
    options = WRITERS[name][1]
    track = read_head_track(put(path, [*head, *rows[:50], *rows[49:]]), name, **options)
    assert len(track) == len(TIME) and '1 rows with the time of the row before' in ' '.join(track.facts['notes'])
    with pytest.raises(ValueError, match='run backwards at row 1 '):
        read_head_track(put(path, [*head, *rows[::-1]]), name, **options)
    with pytest.raises(ValueError, match='several recordings in one file'):
        read_head_track(put(path, [*head, *rows, *rows[:100]]), name, **options)


@pytest.mark.parametrize('name', [name for name in TEXT if name not in ('kitti', 'hololens')])
def test_a_lost_pose_is_a_hole(name, tmp_path):
    """Zeros for the quaternion, or nothing."""
    path = text_file(name, tmp_path)
    lines = lines_of(path)
    mark = ',' if ',' in lines[20] else ' '
    header = [cell.strip() for cell in lines[0].lstrip('# ').split(mark)]
    place = {'euroc': [4, 5, 6, 7], 'tum': [4, 5, 6, 7]}.get(name) or [
        i for i, cell in enumerate(header) if cell.startswith('q') and 'quality' not in cell]
    assert len(place) == 4
    for value in ('0', '') if mark == ',' else ('0', 'nan'):
        spoilt = lines[20].split(mark)
        for i in place:
            spoilt[i] = value
        track = read_head_track(put(path, [*lines[:20], mark.join(spoilt), *lines[21:]]), name, **WRITERS[name][1])
        assert (~track.valid).sum() == 1 and np.isfinite(track.T_world_camera).all()
        lost = int(np.flatnonzero(~track.valid)[0])
        np.testing.assert_array_equal(track.T_world_camera[lost], track.T_world_camera[lost - 1])


@pytest.mark.parametrize('name', [name for name in WRITERS if name != 'arrays'])
def test_no_file_no_folder_and_a_file_of_something_else(name, tmp_path):
    with pytest.raises(FileNotFoundError):
        read_head_track(tmp_path / 'none.csv', name)
    (tmp_path / 'folder').mkdir()
    with pytest.raises(BadFile, match='looks like no known head track'):
        read_head_track(tmp_path / 'folder')
    with pytest.raises(KeyError, match="unknown format 'gpx'"):
        read_head_track(tmp_path, 'gpx')


@pytest.mark.parametrize('change, message', [
    (dict(poses=POSES[:, :2]), r'\(N,3,4\) or \(N,4,4\)'), (dict(poses=POSES.transpose(0, 2, 1)), 'transposed'),
    (dict(fps=None), 'either time'), (dict(time=TIME), 'either time'), (dict(time=TIME[:5], fps=None), 'times of the'),
    (dict(poses=POSES[:0]), r'\(0, 4, 4\)'), (dict(poses=POSES * np.nan), 'no pose')])
def test_arrays_of_other_shapes(change, message):
    with pytest.raises(ValueError, match=message):
        read_array_track(**{**dict(poses=POSES, fps=30), **change})


def test_damaged_archives(tmp_path):
    path = files.write_record3d(tmp_path / 'a.r3d', TIME, in_preset(POSES, 'openxr'))
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(BadFile):
        read_head_track(path)
    np.savez(tmp_path / 'a.npz', other=POSES)
    with pytest.raises(BadFile, match='none of the arrays'):
        read_head_track(tmp_path / 'a.npz')
    (tmp_path / 'a.npy').write_bytes(b'\x93NUMPY')
    with pytest.raises(BadFile, match='cannot be read'):
        read_head_track(tmp_path / 'a.npy', fps=30)


def test_wrong_units_are_named_by_every_text_format(tmp_path):
    """Millimetres in place of metres: the reader of the format says so."""
    wrong = POSES.copy()
    wrong[:, :3, 3] *= 1000
    for number, (name, write) in enumerate(dict(
            tum=lambda p: files.write_tum(p, TIME, wrong), csv=lambda p: files.write_csv(p, TIME, wrong),
            kitti=lambda p: files.write_kitti(p, TIME, in_preset(wrong, 'slam'))).items()):
        path = write(tmp_path / f'{number}.txt')
        options = dict(tum=dict(up='z'), csv=dict(preset='opencv'), kitti=dict(fps=30))[name]
        with pytest.raises(track_import.ImplausibleTrack, match="lengths in mm read as m.: pass unit='mm'"):
            read_head_track(path, name, **options)
        np.testing.assert_allclose(read_head_track(path, name, **options, unit='mm').T_world_camera, POSES, atol=1e-9)


@pytest.mark.slow
def test_an_hour_at_a_thousand_rows_a_second(tmp_path):
    """3.6 million rows, 0.4 GB of text: one row of eight is kept, and they are one unbroken piece."""
    number = 3_600_000
    line = ','.join(f'{value:.6f}' for value in (*POSES[0, :3, 3], *files.quaternions(POSES[:1])[0]))
    with open(tmp_path / 'a.csv', 'w') as file:
        file.write('time_us,px,py,pz,qx,qy,qz,qw\n')
        for begin in range(0, number, 100_000):
            file.writelines(f'{i * 1000},{line}\n' for i in range(begin, begin + 100_000))
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        track = read_csv_track(tmp_path / 'a.csv', preset='opencv')
    assert len(track) == number // 8 and track.fps == pytest.approx(125) and track.num_segments == 1


def test_tables(tmp_path):
    path = put(tmp_path / 'a.csv', ['a; b ;c', '1;2;x', '3;;y', '5;nan;"z"'])
    table = read_table(path, ['c', 'a'], ['b', 'd'], text=['c'])
    assert table.columns['a'].tolist() == [1, 3, 5] and table.columns['c'].tolist() == ['x', 'y', 'z']
    assert np.isnan(table.columns['b'][1:]).all() and len(table) == 3 and not table.notes
    with pytest.raises(BadFile, match="no column 'e', but 3 others: a, b, c"):
        read_table(path, ['e'])
    with pytest.raises(BadFile, match="line 3: 'c' should be a number, is 'y'|line 2: 'c' should be a number, is 'x'"):
        read_table(path, ['c'])
    path.write_bytes('\ufeffa,b\r\n1,2\r\n3,4'.encode())  # a mark of the byte order, Windows' lines, no end of line
    table = read_table(path, ['a', 'b'])
    assert table.columns['b'].tolist() == [2, 4] and not table.notes
    assert read_table(path, ['a'], every=2).columns['a'].tolist() == [1]
    assert read_table(path, ['a'], limit=1).columns['a'].tolist() == [1]


@pytest.mark.parametrize('scale, unit', [(100, "cm or inch read as m.: pass unit='cm', or unit='inch'"), (
    1 / .0254, "inch or cm read as m.: pass unit='inch', or unit='cm'"), (1000, "mm read as m.: pass unit='mm'"), (
    .001, "m/s.*; with no unit of .*'inch', 'foot'. would it move like a head")])
def test_the_units_that_make_a_head_of_it_are_named(scale, unit):
    wrong = POSES.copy()
    wrong[:, :3, 3] *= scale
    with pytest.raises(track_import.ImplausibleTrack, match=unit):
        read_array_track(wrong, TIME)


def test_more_columns_than_names_are_told(tmp_path):
    """Decimal commas among commas: no cell would be that of its name."""
    lines = files.write_csv(tmp_path / 'a.csv', TIME, POSES).read_text().replace('.', ',').splitlines()
    with pytest.raises(BadFile, match='b.csv: line 2 has 1[56] columns, but the header names 8: decimal commas'):
        read_head_track(put(tmp_path / 'b.csv', lines), 'csv', preset='opencv')
    assert len(read_table(put(tmp_path / 'c.csv', ['a,b', '1,2,', '3,4,', '5,6,7']), ['a'])) == 3


@pytest.mark.parametrize('entry, message', [
    (dict(fps=np.array([30, 30])), r'a.npz: fps should be positive, got \[30 30\]'),
    (dict(time=np.arange(len(TIME)).astype('datetime64[ms]')), "a.npz: 'time' holds datetime64")])
def test_entries_of_archives_that_are_no_rate_and_no_times(entry, message, tmp_path):
    np.savez(tmp_path / 'a.npz', poses=POSES, **entry)
    with pytest.raises(ValueError, match=message):
        read_head_track(tmp_path / 'a.npz')


@pytest.mark.parametrize('time', [TIME.astype('datetime64[s]'), [datetime.datetime(2024, 1, 1)] * len(TIME)])
def test_dates_are_no_times(time):
    with pytest.raises(ValueError, match='poses: times should be numbers, in seconds or another time_unit: .*datetime'):
        read_array_track(POSES, time)


@pytest.mark.parametrize('time', [
    np.delete(np.arange(60), 30), np.arange(0, 120, 2), np.arange(0, 300, 5), np.arange(60) * 1000,
    np.arange(60) * 1.0, np.arange(60) * 1000 + 7 * (np.arange(60) % 2), np.arange(60) + 0.01 * (np.arange(60) % 2),
    np.arange(60) * 1_000_000])
def test_times_that_may_mean_two_things_are_asked_for(time):
    with pytest.raises(ValueError, match='without a unit.*fps'):
        guess_time_unit(time.astype(float), 'a.csv')


@pytest.mark.parametrize('unit, time', [
    ('s', np.arange(60) / 30), ('ms', np.round(np.arange(60) / 0.03)), ('us', np.round(np.arange(60) / 30e-6)),
    ('ns', np.round(np.arange(60) / 30e-9)), ('ms', 1.7e12 + np.arange(60) * 10.0),
    ('us', 1.7e15 + np.arange(60) * 1000.), ('ms', 1.7e12 + np.arange(60) * 1000.0), ('s', 1.7e9 + np.arange(60) / 30),
    ('ns', 1.7e18 + np.arange(60) * 1e7),
    ('ms', np.arange(60) * 50 / 6)])
def test_times_that_mean_one_thing_are_read(unit, time):
    assert guess_time_unit(time, 'a.csv') == unit


def test_a_column_that_names_its_unit_is_not_asked_for():
    names = ['seconds', 't_ms', 'timestamp_us', 'time_ns', 'time [ms]', 'timestamp']
    assert [find_time([name])[1] for name in names] == ['s', 'ms', 'us', 'ns', 'ms', None]


@pytest.mark.parametrize('fps', [0, -30, float('nan'), float('inf'), 'x'])
def test_rates_are_positive(fps, tmp_path):
    for path, name, options in ((files.write_csv(tmp_path / 'a.csv', TIME, POSES), 'csv', dict(preset='opencv')),
                                (files.write_kitti(tmp_path / 'a.txt', TIME, POSES), 'kitti', {})):
        with pytest.raises(ValueError, match=f'fps should be positive, got {fps}'):
            read_head_track(path, name, fps=fps, **options)
    with pytest.raises(ValueError, match=f'fps should be positive, got {fps}'):
        read_array_track(POSES, fps=fps)


def test_a_clock_that_jumps_is_told():
    time = TIME + 1.7e9 * (np.arange(len(TIME)) >= 40)
    with pytest.raises(ValueError, match='the clock jumps by 54 years at row 40: '):
        read_array_track(POSES, time)
    with pytest.raises(ValueError, match='frames, more than'):
        read_array_track(POSES, TIME).resample(1e9)


@pytest.mark.parametrize('place', [1e30, -1e6, 1e308])
def test_impossible_places_are_missing(place):
    poses = POSES.copy()
    poses[40:42, 0, 3] = place
    track = read_array_track(poses, TIME)
    assert np.flatnonzero(~track.valid).tolist() == [40, 41] and np.abs(track.T_world_camera[:, :3, 3]).max() < 100
    assert '2 rows farther than 10 km from the others count as missing' in track.facts['notes']


def test_quaternions_and_places_that_say_nothing_are_told(tmp_path):
    path = files.write_csv(tmp_path / 'a.csv', TIME, POSES)
    header, *rows = path.read_text().splitlines()
    rows = [','.join([*row.split(',')[:-4], *(str(2 * float(x)) for x in row.split(',')[-4:])]) for row in rows]
    put(path, [header, *rows])
    with pytest.raises(ValueError, match='the quaternions have a length of 2 in place of 1'):
        read_head_track(path, preset='opencv')
    poses = POSES.copy()
    poses[:, :3, 3] = 0
    with pytest.raises(track_import.ImplausibleTrack, match='all places are 0 0 0'):
        read_array_track(poses, TIME)


def test_another_order_of_quaternions(tmp_path):
    swapped = track_import.reorder_quaternions(POSES, 'xyzw')  # written x y z w, they are w x y z of the poses
    path = files.write_csv(tmp_path / 'a.csv', TIME, swapped)
    track = read_head_track(path, preset='opencv', quaternion='wxyz')
    np.testing.assert_allclose(track.T_world_camera, POSES, atol=1e-6)
    with pytest.raises(ValueError, match="quaternion='xwyz' should be one of"):
        read_head_track(path, preset='opencv', quaternion='xwyz')
    with pytest.raises(ValueError, match='option of tables with quaternions'):
        read_array_track(POSES, TIME, quaternion='wxyz')


@pytest.mark.parametrize('gap', [-1, 0, float('nan'), float('inf')])
def test_nonsense_options(gap, tmp_path):
    with pytest.raises(ValueError, match='max_gap=.* should be positive'):
        read_array_track(POSES, TIME, max_gap=gap)
    with pytest.raises(TypeError, match="csv has no option 'max_gpa'; nearest: max_gap"):
        read_head_track(files.write_csv(tmp_path / 'a.csv', TIME, POSES), max_gpa=1)
    with pytest.warns(UserWarning, match='head_offset turns by 90 degrees'):
        read_array_track(POSES, TIME, head_offset=(0, 0, 0, 90, 0, 0))
