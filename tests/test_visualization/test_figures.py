import json
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from mmegopose.geometry.crops import normalize_image
from mmegopose.motion import Motion
from mmegopose.structures import PoseDataSample, get_skeleton
from mmegopose.synthesis import SyntheticMeshDataset
from mmegopose.visualization import (
    MeshVisualizationHook,
    PoseVisualizationHook,
    denormalize_image,
    draw_grid,
    draw_poses,
    overlay_mesh,
    overlay_skeletons,
    plot_training,
    read_scalars,
)
from mmegopose.visualization.visualization_hooks import lay_on_picture

SKELETON = get_skeleton('coco17')


def test_flip_swaps_left_and_right():
    flip = SKELETON.flip
    assert flip[0] == 0 and [flip[flip[j]] for j in range(17)] == list(range(17))
    assert SKELETON.joints[flip[5]] == 'right-shoulder'


def panels_of(figure):
    """Axes with a pose, without those of the colour bar."""
    return [axes for axes in figure.axes if axes.name == '3d']


def test_poses_are_drawn_bone_by_bone():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(3, 17, 3))
    visible = np.ones((3, 17), bool)
    visible[1, 15] = visible[2] = False
    figure = draw_poses(truth + [0.03, 0.04, 0], SKELETON, truth, visible, ['a', 'b', 'c'])
    bones = len(SKELETON.edges)
    assert [len(axes.lines) for axes in panels_of(figure)] == [2 * bones, 2 * bones - 1, bones]
    assert [axes.get_title() for axes in panels_of(figure)] == ['a  5.0 cm', 'b  5.0 cm', 'c']
    assert [axes.get_ylabel() for axes in figure.axes if axes not in panels_of(figure)] == ['joint error (cm)']
    dots = [axes.collections[0].get_array() for axes in panels_of(figure)[:2]]
    assert [len(one) for one in dots] == [17, 16]
    np.testing.assert_allclose(np.concatenate(dots), 5)


def test_poses_are_drawn_without_truth():
    pred = np.random.default_rng(0).normal(size=(2, 17, 3))
    figure = draw_poses(pred, SKELETON)
    assert [len(axes.lines) for axes in figure.axes] == [len(SKELETON.edges)] * 2
    assert [axes.get_title() for axes in figure.axes] == ['', '']
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ['predicted, left', 'predicted, right']
    known = draw_poses(pred, SKELETON, pred + [0, 0.02, 0])
    assert [axes.get_title() for axes in panels_of(known)] == ['  2.0 cm'] * 2
    assert len(known.legends[0].get_texts()) == 3


def lifted(sequence, frames, **fields):
    """A sample of windows of three frames in camera axes, of which the last counts."""
    size = len(frames)
    sample = PoseDataSample()
    ids = torch.tensor(frames)[:, None] + torch.arange(-2, 1)
    scored = torch.zeros(size, 3, dtype=torch.bool)
    scored[:, 2] = True
    sample.set_data(dict(sequence=torch.tensor(sequence), frame_ids=ids, scored=scored,
                         pred_joints=torch.randn(size, 3, 17, 3), **fields))
    return sample


def test_every_camera_view_gets_its_picture(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr('mmegopose.visualization.visualization_hooks.draw_poses',
                        lambda pred, *args, **kw: drawn.append((pred, *args)) or draw_poses(pred, *args, **kw))
    views = [dict(uid=f'S9/Walking 1/{camera}', name='Walking 1') for camera in '123']
    views.append(dict(uid='f00d', name='cmu_dance/7'))
    for view, frames in zip(views, ([5], [3, 7, 8, 9], [0], [4])):
        view['frame_ids'] = np.array(frames)
    runner = SimpleNamespace(test_dataloader=SimpleNamespace(dataset=SimpleNamespace(
        metainfo=dict(skeleton='h36m17', sequences=views))))
    hook = PoseVisualizationHook(str(tmp_path), num_poses=2, max_sequences=3)
    truth = dict(joints=torch.zeros(4, 3, 17, 3), visible=torch.ones(4, 3, 17, dtype=torch.bool))
    sample = lifted([0, 1, 1, 1], [5, 9, 7, 8], **truth)
    hook.after_test_iter(runner, 0, {}, [sample])
    hook.after_test_iter(runner, 1, {}, [lifted([1, 3], [3, 4])])  # no truth
    hook.after_test_iter(runner, 2, {}, [lifted([2], [0])])  # one too many
    hook.after_test_iter(runner, 3, {}, [lifted([], [])])
    hook.after_test_epoch(runner)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        'S9_Walking_1_1.png', 'S9_Walking_1_2.png', 'cmu_dance_7_f00d.png']
    assert [args[-1] for args in drawn] == [['frame 5'], ['frame 3', 'frame 9'], ['frame 4']]
    np.testing.assert_allclose(drawn[1][0][1], sample.pred_joints[1, 2].numpy()[:, [0, 2, 1]] * [1, 1, -1])
    assert drawn[0][2] is not None and drawn[1][2] is None and drawn[2][2] is None


def write_log(folder, name, entries, tail=''):
    path = folder / name / 'vis_data/scalars.json'
    path.parent.mkdir(parents=True)
    path.write_text('\n'.join(json.dumps(entry) for entry in entries) + tail)


def test_a_resumed_run_continues_the_curve(tmp_path):
    write_log(tmp_path, '20260101_000000', [dict(loss=3.0, step=1), dict(loss=2.0, step=2)], '\n{"loss": 1.')
    write_log(tmp_path, '20260102_000000',
              [dict(loss=1.5, step=2), dict(loss=1.0, step=3), {'body/MPJPE': 9.0, 'step': 3}])
    curves = read_scalars(tmp_path)
    assert curves['loss'] == {1: 3.0, 2: 1.5, 3: 1.0}
    left, right = plot_training(dict(run=tmp_path)).axes
    assert left.lines[0].get_ydata().tolist() == [3.0, 1.5, 1.0] and right.lines[0].get_ydata().tolist() == [9.0]


def test_missing_log_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='work dir of a training run'):
        read_scalars(tmp_path)


def test_denormalized_image_is_the_image():
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 20, 16, 3), np.uint8)
    assert np.array_equal(denormalize_image(normalize_image(images)), images)


@pytest.mark.parametrize('size', [(64, 64), (64, 48)])
def test_mesh_lies_over_the_picture_of_itself(size):
    dataset = SyntheticMeshDataset(2, split='val', image_size=size, occlusion=0.0)
    targets = dataset.render(np.arange(2))[1]
    left = (size[0] - size[1]) // 2
    for vertices, keypoints in zip(targets['vertices'][:, 0].numpy(), targets['keypoints'][:, 0].numpy()):
        drawn = overlay_mesh(np.zeros((*size, 3), np.uint8), vertices, dataset.figure.faces, opacity=1.0)
        x, y = np.round((keypoints + 0.5) * size[0] - [left, 0]).astype(int).T  # joints are inside of the hand
        inside = (x >= 0) & (x < size[1])
        assert drawn.any(-1)[y[inside], x[inside]].mean() > 0.85
        assert 0.02 < drawn.any(-1).mean() < 0.8
        assert not overlay_mesh(drawn, vertices + [10, 0, 0], dataset.figure.faces)[drawn.any(-1) == 0].any()


def test_predicted_keypoints_hide_the_true_ones_only_where_they_are():
    style, image = get_skeleton('hand21').style, np.full((128, 96, 3), 100, np.uint8)
    truth = np.random.default_rng(1).uniform(-0.3, 0.3, (21, 2))
    confidence = np.ones(21)

    def white(*args):
        return (overlay_skeletons(image, *args, style) == 255).all(-1).sum()

    assert white(truth, truth, confidence) < 0.2 * white(truth + [0.05, 0.0], truth, confidence)
    assert white(truth, truth, 0 * confidence) == 0
    assert (overlay_skeletons(image, truth + 3, truth, 0 * confidence, style) == 50).all()


def mesh_test(size=(64, 48), count=4):
    """A data set, its first batch with the truth as prediction, and a runner that knows the model."""
    dataset = SyntheticMeshDataset(count, split='val', image_size=size)
    batch = dataset.__getitems__(range(count))
    sample = batch['data_samples']
    sample.set_data(dict(pred_vertices=sample.vertices - sample.translation[:, :, None],
                         pred_translation=sample.translation, pred_keypoints=sample.keypoints))
    model = torch.nn.Module()
    model.body_model = dataset.figure.model
    return batch, sample, SimpleNamespace(model=model, test_dataloader=SimpleNamespace(dataset=dataset))


def test_hook_writes_rows_until_there_are_enough(tmp_path, monkeypatch):
    panels = []
    monkeypatch.setattr('mmegopose.visualization.visualization_hooks.draw_grid',
                        lambda columns, names: panels.append(columns) or draw_grid(columns, names))
    batch, sample, runner = mesh_test()
    hook = MeshVisualizationHook(str(tmp_path / 'show'), num_samples=6)
    for index in range(3):
        hook.after_test_iter(runner, index, batch, [sample])
    assert sorted(path.name for path in tmp_path.glob('show/*')) == ['batch_0.png', 'batch_1.png']
    assert [len(next(iter(columns.values()))) for columns in panels] == [4, 2]
    assert list(panels[0]) == ['image', '2D pose that goes in', 'predicted mesh', 'keypoints (true: white)']
    image, pose_image, mesh, keypoints = (np.stack(list(column)) for column in panels[0].values())
    assert image.shape == mesh.shape == keypoints.shape == (4, 256, 192, 3) and pose_image.shape == (4, 64, 48, 3)
    assert np.array_equal(image[:, ::4, ::4], denormalize_image(batch['inputs']['image'][:, 0].numpy()))
    assert cv2.imread(str(tmp_path / 'show/batch_0.png')).std() > 20


def test_hook_draws_what_there_is(tmp_path, monkeypatch):
    panels = []
    monkeypatch.setattr('mmegopose.visualization.visualization_hooks.draw_grid',
                        lambda columns, names: panels.append(columns) or draw_grid(columns, names))
    batch, sample, runner = mesh_test(count=2)
    del batch['inputs']['pose_image'], sample.pred_vertices
    sample.scored[1] = False
    MeshVisualizationHook(str(tmp_path)).after_test_iter(runner, 0, batch, [sample])
    assert list(panels[0]) == ['image', 'keypoints (true: white)'] and len(panels[0]['image']) == 1
    del sample.keypoints
    MeshVisualizationHook(str(tmp_path)).after_test_iter(runner, 1, batch, [sample])
    assert list(panels[1]) == ['image', 'keypoints'] and cv2.imread(str(tmp_path / 'batch_1.png')).std() > 20
    sample.pred_joints = sample.joints
    del sample.pred_keypoints
    MeshVisualizationHook(str(tmp_path)).after_test_iter(runner, 2, batch, [sample])
    assert list(panels[2]) == ['image', 'joints']


def test_joints_are_laid_where_the_keypoints_are():
    rng = np.random.default_rng(0)
    joints, confidence = rng.normal(size=(2, 21, 3)), (rng.random((2, 21)) < 0.6).astype(float)
    keypoints = 0.1 * joints[..., :2] + [0.2, -0.1]
    found = lay_on_picture(joints, np.where(confidence[..., None] > 0, keypoints, np.nan), confidence)
    np.testing.assert_allclose(found, keypoints, atol=1e-9)
    assert np.abs(lay_on_picture(joints, np.full_like(keypoints, np.nan), 0 * confidence)).max() == pytest.approx(0.25)


@pytest.mark.parametrize('frame', ['world', 'root'])
def test_a_motion_is_drawn_without_truth(frame):
    up = np.random.default_rng(0).normal(0, 0.2, (30, 17, 3)) + np.linspace(0, 1.7, 17)[:, None] * [0, 0, 1]
    joints = up if frame == 'world' else np.stack([up[..., 0], -up[..., 2], up[..., 1]], -1)
    joints[10:20] = np.nan
    joints[29, 3] = np.nan
    figure = draw_poses(Motion(np.arange(30) / 10, joints, 'coco17', frame=frame), num_poses=4)
    assert [axes.get_title() for axes in figure.axes] == ['0.00 s', '0.60 s', '2.30 s', '2.90 s']
    edges = get_skeleton('coco17').edges
    assert [len(axes.lines) for axes in figure.axes] == 3 * [len(edges)] + [sum(3 not in edge for edge in edges)]
    first = np.stack([np.array(line.get_data_3d()) for line in figure.axes[0].lines])
    np.testing.assert_allclose(first, up[0][np.array(edges)].transpose(0, 2, 1), atol=1e-6)
    with pytest.raises(ValueError, match='has no valid pose to draw'):
        draw_poses(Motion(np.arange(3), np.full((3, 17, 3), np.nan), 'coco17'))


def test_a_motion_is_drawn_over_the_truth_of_the_same_times():
    joints = np.random.default_rng(0).normal(0, 0.2, (31, 17, 3)) + np.arange(31)[:, None, None] / 10
    truth = Motion(np.arange(31) / 10, joints, 'coco17')
    late = Motion(np.arange(10, 31) / 10, joints[10:] + [0.03, 0, 0], 'coco17')
    figure = draw_poses(late, truth=truth, num_poses=3)
    assert [axes.get_title() for axes in panels_of(figure)] == ['1.00 s  3.0 cm', '2.00 s  3.0 cm', '3.00 s  3.0 cm']
    for wrong, message in ((joints, 'should be a Motion, which knows its times, not a ndarray'),
                           (truth.to_root(), "the truth is in the frame 'root', the motion in 'world'")):
        with pytest.raises(ValueError, match=message):
            draw_poses(late, truth=wrong)
