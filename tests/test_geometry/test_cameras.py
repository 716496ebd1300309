"""Cameras. The recorded numbers are those of VideoPose3D's functions on invented cameras."""
import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from mmegopose.datasets.readers.lifting.videopose3d import read_cameras
from mmegopose.files import BadFile
from mmegopose.geometry import cameras as cam
from mmegopose.geometry.rigid import apply_rigid, make_rigid

ROOT = Path(__file__).parents[2]
RECORDED = np.load(ROOT / 'tests/data/lifting_camera.npz')
CAMERAS = sorted({key.rpartition('/')[0] for key in RECORDED.files if '/' in key})
TOOL = ROOT / 'tools/dataset_converters/h36m_cameras.py'


def recorded(camera, *keys):
    return [torch.from_numpy(RECORDED[f'{camera}/{key}']).double() for key in keys]


def close(actual, expected, tolerance=1e-6):
    torch.testing.assert_close(actual, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize('camera', CAMERAS)
def test_equals_the_recorded_functions(camera):
    world = torch.from_numpy(RECORDED['world17']).double()
    quaternion, translation, screen = recorded(camera, 'orientation', 'translation_m', 'intrinsic_norm')
    width, height = RECORDED[f'{camera}/res'].tolist()
    pose = make_rigid(cam.quaternion_to_matrix(quaternion), translation)
    cam3d, pixel, norm2d = recorded(camera, 'cam3d', 'pixel', 'norm2d')
    close(cam.world_to_camera(world, pose), cam3d)
    close(cam.project(cam3d, screen, clamp=True), norm2d)
    close(cam.screen_normalize(pixel, width, height), norm2d)
    center = screen[2:4] + torch.tensor([1, height / width])
    pixels = torch.cat([screen[:2] * width / 2, center * width / 2, screen[4:]])
    close(cam.project(cam3d, pixels, clamp=True) / width, pixel / width)  # recorded in float32 screen units
    inside = (cam3d[..., :2] / cam3d[..., 2:]).abs().amax(-1) < 1
    close(cam.project(cam3d, pixels)[inside] / width, pixel[inside] / width)


def test_float32_stays_and_one_camera_for_each_clip_is_a_batch():
    points = torch.from_numpy(np.stack([RECORDED[f'{camera}/cam3d'] for camera in CAMERAS]))  # (B,T,J,3)
    screen = torch.from_numpy(np.stack([RECORDED[f'{camera}/intrinsic_norm'] for camera in CAMERAS]))
    expected = torch.from_numpy(np.stack([RECORDED[f'{camera}/norm2d'] for camera in CAMERAS])).float()
    got = cam.project(points, screen[:, None, None], clamp=True)
    assert got.dtype == torch.float32
    close(got, expected, 2e-6)
    pose = make_rigid(cam.quaternion_to_matrix(torch.randn(len(points), 1, 4)), torch.randn(len(points), 1, 3))
    close(cam.world_to_camera(apply_rigid(pose, points), pose), points, 1e-5)


def test_screen_units_of_numpy_arrays():
    corners = np.array([[0, 0], [1920, 1080], [960, 540]], np.float32)
    units = cam.screen_normalize(corners, 1920, 1080)
    assert units.dtype == np.float32
    np.testing.assert_allclose(units, [[-1, -0.5625], [1, 0.5625], [0, 0]], atol=1e-6)
    np.testing.assert_array_equal(cam.screen_normalize(corners.astype(int), 1920, 1080),
                                  cam.screen_normalize(corners.astype(float), 1920, 1080))


def test_quaternions_equal_scipy():
    rotation = Rotation.random(50, rng=0)
    quaternion = torch.from_numpy(np.roll(rotation.as_quat(), 1, -1) * np.linspace(0.5, 2, 50)[:, None])
    np.testing.assert_allclose(cam.quaternion_to_matrix(quaternion), rotation.as_matrix(), atol=1e-12)


def test_points_behind_the_camera_and_at_its_side():
    intrinsics = torch.tensor([1000., 1000, 500, 500, 0, 0, 0, 0, 0])
    points = torch.tensor([[1., 0, -2], [1, 0, 0], [3, 0, 2], [1, 0, 2]], requires_grad=True)
    image = cam.project(points, intrinsics)
    assert image[:2].isnan().all()
    torch.testing.assert_close(image[2:], torch.tensor([[2000., 500], [1000, 500]]))
    image = cam.project(points[[0, 2, 3]], intrinsics, clamp=True)
    torch.testing.assert_close(image, torch.tensor([[0., 500], [1500, 500], [1000, 500]]))
    assert torch.autograd.grad(image.sum(), points)[0].isfinite().all()


def test_the_mirrored_camera_sees_the_mirrored_image():
    """Mirroring negates cx and p1, as the published code does for flipped videos."""
    points, screen = recorded(CAMERAS[0], 'cam3d', 'intrinsic_norm')
    mirror = torch.tensor([-1., 1]).double()
    sign = torch.ones(9).double()
    sign[[2, 7]] = -1
    close(cam.project(points * torch.tensor([-1., 1, 1]), screen * sign), cam.project(points, screen) * mirror, 1e-12)


# made-up numbers in the layout of VideoPose3D
INNER = [dict(id=f'cam{i}', center=[500.0 + i, 510.0], focal_length=[1100.0, 1101.0 + i],
              radial_distortion=[-0.1, 0.2, 0.01 * i], tangential_distortion=[0.001, -0.002], res_w=1000, res_h=1002,
              azimuth=70) for i in range(2)]
OUTER = [dict(orientation=[0.5, -0.5, 0.5, -0.5], translation=[1000.0, -2000.0, 1500.0]),
         dict(orientation=[0.8, 0.0, 0.6, 0.0], translation=[-500.0, 250.0, 1250.0])]
SOURCE = f'''import numpy as np
raise SystemExit('this file must not run')
h36m_cameras_intrinsic_params = {INNER}
h36m_cameras_extrinsic_params = {dict(S1=OUTER, S2=[{}, {}], S9=OUTER[::-1])}
class Human36mDataset(MocapDataset):
    pass
'''


@pytest.fixture
def convert(tmp_path, monkeypatch, capsys):
    """Run the tool on a file with some text; its output and the cameras it wrote."""
    def run(name, text):
        (tmp_path / name).write_text(text)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, 'argv', [str(TOOL), name, 'cameras.json'])
        runpy.run_path(str(TOOL), run_name='__main__')
        return capsys.readouterr().out, read_cameras('cameras.json')
    return run


def test_cameras_of_videopose3d(convert):
    out, cameras = convert('h36m_dataset.py', SOURCE)
    assert out == '4 cameras of S1, S9 -> cameras.json\n'
    assert {subject: [c.name for c in found] for subject, found in cameras.items()} == \
        dict(S1=['cam0', 'cam1'], S9=['cam0', 'cam1'])
    second = cameras['S1'][1]
    assert (second.width, second.height) == (1000, 1002) and second.intrinsics.dtype == torch.float64
    assert second.intrinsics.tolist() == [1100, 1102, 501, 510, -0.1, 0.2, 0.01, 0.001, -0.002]
    expected = np.eye(4)
    expected[:3, :3] = Rotation.from_quat([0, 0.6, 0, 0.8]).as_matrix()
    expected[:3, 3] = [-0.5, 0.25, 1.25]
    np.testing.assert_allclose(second.T_world_camera, expected, atol=1e-12)


def test_cameras_of_the_metadata(convert):
    rng = np.random.default_rng(0)
    poses = np.concatenate([rng.uniform(-1.5, 1.5, (4, 11, 3)), rng.uniform(-5000, 5000, (4, 11, 3))], -1)
    intrinsics = rng.uniform(0, 1000, (4, 9))
    numbers = ' '.join(map(repr, np.concatenate([poses.ravel(), intrinsics.ravel()]).tolist()))
    text = f'<?xml version="1.0"?>\n<subjects><camera><w0>[{numbers}]</w0></camera></subjects>'
    out, cameras = convert('metadata.xml', text)
    assert out.startswith('44 cameras of S1, S2')
    found = cameras['S9'][2]
    assert (found.name, found.width, found.height) == ('58860488', 1000, 1000)
    assert found.intrinsics.tolist() == intrinsics[2].tolist()
    angles, center = poses[2, 8, :3], poses[2, 8, 3:] / 1000
    turns = [Rotation.from_rotvec(angle * axis).as_matrix() for angle, axis in zip(angles, np.eye(3))]
    world = rng.normal(size=(6, 3))
    np.testing.assert_allclose(cam.world_to_camera(torch.from_numpy(world), found.T_world_camera),
                               (world - center) @ (turns[0] @ turns[1] @ turns[2]).T, atol=1e-12)


@pytest.mark.parametrize('name, text', [
    ('a.py', 'x = 1'), ('b.py', 'def'), ('c.py', SOURCE.replace("'center'", "'centre'")),
    ('d.py', SOURCE.replace('0.001', 'np.float32(1)')), ('e.xml', '<a><w0>[1 2 3]</w0></a>'), ('f.xml', '<a>'),
    ('g.xml', '<a/>')])
def test_sources_that_are_not_cameras(convert, tmp_path, capsys, name, text):
    with pytest.raises(SystemExit, match='2'):
        convert(name, text)
    assert f'error: {name} is not' in capsys.readouterr().err
    assert not (tmp_path / 'cameras.json').exists()


GOOD = dict(width=1000, height=1002, intrinsics=[1.0] * 9, orientation=[1, 0, 0, 0], translation=[0, 1, 2])


@pytest.mark.parametrize('change, message', [
    (dict(intrinsics=[1.0] * 8), 'camera 7 of S1: intrinsics should be 9 finite'),
    (dict(orientation='north'), "orientation should be numbers, got 'north'"),
    (dict(orientation=[1, 1, 0, 0]), 'orientation should be a unit quaternion'),
    (dict(translation=[2000, 5000, 1500]), 'translation should be in metres'),
    (dict(translation=[0, 0, float('nan')]), 'translation should be 3 finite'),
    (dict(width=0), 'whole numbers of pixels'), (dict(height=[1002]), 'height should be one finite')])
def test_bad_camera_files(tmp_path, change, message):
    path = tmp_path / 'cameras.json'
    path.write_text(json.dumps({'S1': {'7': {**GOOD, **change}}}))
    with pytest.raises(BadFile, match=message) as caught:
        read_cameras(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize('content, message', [
    ({'S1': [GOOD]}, 'S1 should hold its cameras by name'), ({'S1': {'7': 3}}, 'should hold its fields by name'),
    ({'S1': {'7': {'width': 3, 'height': 2}}}, r"lacks \['intrinsics', 'orientation', 'translation'\]"),
    ([GOOD], 'should hold a JSON dict')])
def test_camera_files_of_another_layout(tmp_path, content, message):
    (tmp_path / 'cameras.json').write_text(json.dumps(content))
    with pytest.raises(BadFile, match=message):
        read_cameras(tmp_path / 'cameras.json')
    with pytest.raises(FileNotFoundError):
        read_cameras(tmp_path / 'absent.json')
