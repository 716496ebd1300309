"""What inferencers are given, and the files of sensors, hands and motion capture beside them; see fuzz_targets."""
import json
import runpy
import sys
import zipfile
from io import BytesIO
from unittest import mock

import cv2
import numpy as np
from test_datasets import test_lifting_2_5d, test_lifting_3dhp
from test_geometry import test_cameras
from test_inference.test_meshes import test_hand_inferencer, test_mesh_inferencer

from mmegopose.datasets.converters import mpi_inf_3dhp, read_wheels
from mmegopose.datasets.converters.egoexo4d_hand import prepare_hands
from mmegopose.datasets.readers.hand_pose import read_egoexo4d_hand
from mmegopose.datasets.readers.images.detections import read_detections
from mmegopose.datasets.readers.lifting import read_h36m_2_5d
from mmegopose.evaluation.submissions import read_hand_poses, score_hand_poses, validate_hand_poses
from mmegopose.files import read_json
from mmegopose.inference import HeadPoseInferencer, LiftingInferencer
from mmegopose.inference.inputs.hands import read_wrists, recorded_wrists
from mmegopose.inference.inputs.head_tracks import read_head_track
from mmegopose.named_models import read_facts

from . import egoexo4d_hand_release, egoexo_hand_fixture, hand_files, image_fixture, side_files, track_files
from .fuzz_targets import target
from .tiny_models import HEAD, LIFT, model_folder


def told(motions):
    """What is to be believed of motions."""
    return [np.where(motion.valid[..., None], motion.joints, 0) for motion in motions]


@target('lifting_inferencer', 'input.json', named=False)
def _(root):
    folder = model_folder(root / 'model', LIFT)
    predict = LiftingInferencer(str(folder / 'config.py'), str(folder / 'x.pth'), device='cpu')
    points = np.random.default_rng(0).uniform(10, 900, (6, 17, 3)).round(1)
    points[..., 2] = .9
    (root / 'input.json').write_text(json.dumps(dict(keypoints=points.tolist(), image_size=[1000, 1000], fps=30.0)))

    def read():
        given = read_json(root / 'input.json')
        return told(predict(given.get('keypoints'), given.get('image_size'), fps=given.get('fps'), skeleton='h36m17'))
    return read


def _head(root):
    folder = model_folder(root / 'model', HEAD)
    predict = HeadPoseInferencer(str(folder / 'config.py'), str(folder / 'x.pth'), device='cpu')
    poses = track_files.in_preset(track_files.walk()[1][:60:2], 'aria')
    (root / 'input.json').write_text(json.dumps(dict(poses=poses.round(4).tolist(), fps=15.0)))
    return predict


@target('head_pose_inferencer', 'input.json', named=False)
def _(root):
    predict = _head(root)

    def read():
        given = read_json(root / 'input.json')
        return told(predict(given.get('poses'), fps=given.get('fps'), camera='aria'))
    return read


@target('live_head_pose', 'input.json', named=False)
def _(root):
    predict = _head(root)

    def read():
        given = read_json(root / 'input.json')
        stream = predict.stream(camera='aria', fps=given.get('fps'))
        frames = [stream.push(pose, number / 15) for number, pose in enumerate(given.get('poses') or [])]
        return [frame.joints for frame in frames if frame is not None and frame.valid]
    return read


def _pictures(module, name):
    def prepare(root):
        (root / 'model').mkdir()
        predict = module.build(root / 'model', True) if name == 'hand_inferencer' else module.build(root / 'model')
        cv2.imwrite(str(root / 'picture.png'), np.random.default_rng(0).integers(0, 255, (96, 128, 3), np.uint8))
        (root / 'input.json').write_text(json.dumps(dict(
            boxes=[[20.5, 10.5, 90.5, 80.5]], intrinsics=[150.5, 150.5, 64.5, 48.5], right=[False])))

        def read():
            given = read_json(root / 'input.json')
            return told(predict(str(root / 'picture.png'), **given))
        return read
    target(name, '*.[pj]*', named=False)(prepare)


_pictures(test_hand_inferencer, 'hand_inferencer')
_pictures(test_mesh_inferencer, 'mesh_inferencer')


@target('mps_hands', 'data/hand_tracking/*')
def _(root):
    (root / 'data').mkdir()
    track_files.write_mps(root / 'data', hand_files.TIME, track_files.in_preset(hand_files.POSES, 'aria'))
    hand_files.write_hands(root / 'data')
    track = read_head_track(root / 'data', 'aria_mps')
    return lambda: recorded_wrists(root / 'data', track).joints


@target('wrists', 'wrists.npz')
def _(root):
    (root / 'data').mkdir()
    track_files.write_mps(root / 'data', hand_files.TIME, track_files.in_preset(hand_files.POSES, 'aria'))
    track = read_head_track(root / 'data', 'aria_mps')
    np.savez(root / 'wrists.npz', wrists=hand_files.WORLD[:, :, 5], time=track.time[hand_files.ROWS])
    return lambda: read_wrists(str(root / 'wrists.npz'), track).joints


def _stream(name, rows, **step):
    """A sensor beside a head track; what cannot be used is marked and told, and ends nothing."""
    def prepare(root):
        (root / 'sensor.csv').write_text(','.join(step['columns']) + '\n' + '\n'.join(
            ','.join(f'{value:.4f}' for value in row) for row in rows))
        data = side_files.side_store(root, side_files.NAMES[:1])
        return lambda: side_files.everything(side_files.side_data(data, dict(files='sensor.csv', **step)))[0]
    target(name, 'sensor.csv')(prepare)


_time = np.arange(3.2, 4.8, .02)  # of the frames from 100 on
_stream('inertial_csv', np.stack([_time, *np.random.default_rng(0).normal(0, 3, (6, len(_time)))], 1),
        type='InertialReadings', columns=('t', 'ax', 'ay', 'az', 'gx', 'gy', 'gz'))
_stream('gaze_csv', np.stack([_time, *np.random.default_rng(0).normal(0, .3, (2, len(_time)))], 1),
        type='GazeDirections', columns=('t', 'yaw', 'pitch'), time_unit='s')


@target('features_npz', '*.npz')
def _(root):
    np.savez(root / 'f.npz', frame=np.arange(100, 140), features=np.ones((40, 4), np.float32))
    data = side_files.side_store(root, side_files.NAMES[:1])
    step = dict(type='FrameFeatures', files='f.npz', dim=4)
    return lambda: side_files.everything(side_files.side_data(data, step))[0]


@target('egoexo4d_hand', 'data/annotation/**/*.json')
def _(root):
    egoexo_hand_fixture.write_egoexo_hands(root / 'data', num_frames=2, splits=('train',))
    return lambda: read_egoexo4d_hand(str(root / 'data'), 'train', cache_dir=str(root / 'cache'))


@target('egoexo4d_hand_preparation', 'data/**/*.*[ns]')
def _(root):
    """Labels, camera poses, lists of takes, and the tags of recordings."""
    egoexo4d_hand_release.write_release(root / 'data', dict(cooking_a=('train', [2, 5]), cooking_b=('train', [2])),
                                        lambda path: path.write_bytes(b''))
    numbers = iter(range(10 ** 9))
    return lambda: prepare_hands(root / 'data', root / f'out{next(numbers)}', ('train',), pictures=False,
                                 progress=False).lines()


@target('egoexo4d_hand_submission', '*.json', named=False)
def _(root):
    hands = np.random.default_rng(0).normal(0, .05, (4, 21, 3)).round(4) + [0, 0, .4]
    truth = {'take': {str(3 * frame): dict(left_hand_bbox=[1., 2., 3., 4.], left_hand_3d=hand.tolist(),
                                           left_hand_valid_3d=[True] * 21) for frame, hand in enumerate(hands)}}
    (root / 'truth.json').write_text(json.dumps(truth))
    (root / 'pred.json').write_text(json.dumps({'take': {
        frame: dict(left_hand_3d=entry['left_hand_3d'], right_hand_3d=[]) for frame, entry in truth['take'].items()}}))

    def read():
        pred, wanted = read_hand_poses(root / 'pred.json'), read_hand_poses(root / 'truth.json')
        return 'not fit' if validate_hand_poses(pred, wanted) else score_hand_poses(pred, wanted)
    return read


@target('h36m_2_5d', 'data/*.pkl')
def _(root):
    (root / 'data').mkdir()
    test_lifting_2_5d.write(root / 'data')
    return lambda: read_h36m_2_5d(str(root / 'data'), 'train', cache_dir=str(root / 'cache'))


def _mat(name, sequence, read):
    def prepare(root):
        test_lifting_3dhp.write_official_3dhp(root)
        path = next(root.glob(f'**/{sequence}/annot*.mat'))
        return lambda: list(read({sequence: path}))
    target(name, f'**/{sequence}/*.mat')(prepare)


_mat('mpi_inf_3dhp_mat', 'S1/Seq2', mpi_inf_3dhp.read_train)
_mat('mpi_inf_3dhp_h5', 'TS6', mpi_inf_3dhp.read_test)


@target('wheels', '*.whl')
def _(root):
    frames = np.zeros((8, 44))
    frames[:, 0], frames[:, 2], frames[:, [4, 8, 12, 16, 21, 25, 30, 35, 39]] = 1 / 30, .9, 1
    content = BytesIO()
    np.save(content, np.random.default_rng(0).normal(0, .2, (40, 53, 3)) + np.arange(53)[:, None] / 30)
    for name, member, text in (('a', 'motions/humanoid3d_walk.txt', json.dumps(dict(Frames=frames.tolist()))),
                               ('b', 'mocap_climb_seq_1_joint_positions.npy', content.getvalue())):
        with zipfile.ZipFile(root / f'{name}.whl', 'w') as archive:
            archive.writestr(member, text)
    return lambda: vars(read_wheels(root / 'a.whl', root / 'b.whl'))


@target('h36m_cameras', '*.py')
def _(root):
    (root / 'h36m_dataset.py').write_text(test_cameras.SOURCE)

    def read():
        with mock.patch.object(sys, 'argv', ['a', str(root / 'h36m_dataset.py'), str(root / 'out.json')]):
            runpy.run_path(str(test_cameras.TOOL), run_name='__main__')
    return read


@target('detections', 'found.json')
def _(root):
    from mmegopose.datasets.readers import images
    image_fixture.write_freihand(root / 'data')
    store = images.read_freihand(root / 'data', cache_dir=root / 'cache')
    (root / 'found.json').write_text(json.dumps([
        dict(image=str(file), right=True, keypoints=np.c_[points[:, :2], points[:, :1] * 0 + 1].round(2).tolist())
        for file, points in zip(store.frames['file'], store.frames['keypoints'])]))
    return lambda: read_detections(root / 'found.json', store)


@target('facts', 'facts.yml')
def _(root):
    (root / 'facts.yml').write_text('also: [mine]\nbytes: 1700000\nnum_parameters: 3\n'
                                    'scores:\n- {measure: MPJPE, value: 3.5, data: mine}\n')
    return lambda: read_facts(root)
