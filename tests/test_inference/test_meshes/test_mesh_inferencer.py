"""Hands and bodies from pictures: a tiny network with random weights, rendered pictures, exact truths."""
import sys
import weakref
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from helpers.fake_detectors import fake_mediapipe
from helpers.video_files import write_video

from mmegopose.engine.config import load_config
from mmegopose.geometry.cameras import perspective
from mmegopose.geometry.crops import FOCAL, camera_translation, project_to_crop
from mmegopose.inference import MeshInferencer, load_inferencer
from mmegopose.inference.detectors import Detection
from mmegopose.inference.inputs import ImageSource, TimedImage
from mmegopose.inference.inputs.poses_2d import collect_frames
from mmegopose.inference.meshes.subjects import subjects_of_boxes
from mmegopose.motion import Motion
from mmegopose.registry import MODELS
from mmegopose.synthesis import SyntheticMeshDataset

CONFIGS = Path(__file__).parents[3] / 'configs' / 'mesh'
SIDE, PAD = 128, 40
LENS = FOCAL / 256 * SIDE  # of the renderer, pixels

BODY = f"""
_base_ = ['{CONFIGS}/extpose-tiny_synthetic-hand.py']
val_dataloader = dict(dataset=dict(body='open_body', num_frames=2))
test_dataloader = val_dataloader
model = dict(head=dict(body_model=dict(source='open_body', joint_order='model'), camera_scale=0.9))
"""
OFFICIAL = f"""
_base_ = ['{CONFIGS}/extpose-tiny_synthetic-hand.py']
test_dataloader = dict(_delete_=True, dataset=dict(
    type='ImageMeshDataset', data_root='data/FreiHAND', reader=dict(type='freihand', mano='MANO_RIGHT.pkl'),
    split='evaluation', pose_form='image', crop=dict(rescale=2.0, size=96, width=96)))
"""


def build(folder, config=None, **options):
    """An inferencer with random weights."""
    path = CONFIGS / 'extpose-tiny_synthetic-hand.py'
    if config is not None:
        path = folder / 'config.py'
        path.write_text(config)
    cfg = load_config(path)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    torch.nn.init.normal_(model.head.readout.weight, std=0.05)  # so that a prediction depends on the picture
    torch.save(dict(state_dict=model.state_dict()), folder / 'model.pth')
    return MeshInferencer(path, folder / 'model.pth', device='cpu', progress=False, **options)


@pytest.fixture(scope='module')
def hands(tmp_path_factory):
    return build(tmp_path_factory.mktemp('hands'))


@pytest.fixture(scope='module')
def rendered():
    """Four hands on larger canvases, and their labels; ``pixels (4,21,2)`` in the canvas."""
    pictures, labels = SyntheticMeshDataset(4, image_size=(SIDE, SIDE), rotation='limited').render(np.arange(4))
    canvas = np.full((4, SIDE + 2 * PAD, SIDE + 3 * PAD, 3), 90, np.uint8)
    canvas[:, PAD:PAD + SIDE, 2 * PAD:2 * PAD + SIDE] = pictures[:, 0]
    labels = {name: value[:, 0] for name, value in labels.items()}
    labels['pixels'] = (labels['keypoints'].numpy() + 0.5) * SIDE + [2 * PAD, PAD]
    return canvas, labels


def poses_of(pixels):
    return collect_frames([(points[None], np.ones((1, 21))) for points in pixels], skeleton='hand21',
                          image_size=(SIDE + 3 * PAD, SIDE + 2 * PAD), normalized=False)


def boxes_of(pixels):
    return np.concatenate([pixels.min(-2), pixels.max(-2)], -1)


def feed_truth(inferencer, monkeypatch, labels, boxes, principal, order):
    """Let the head say the true parameters, one picture after the other, in the crops that the pipeline cuts."""
    rescale, count = inferencer.options['crop']['rescale'], iter(order)

    def forward(tokens):
        i = next(count)
        box = boxes[i]
        center = torch.tensor((box[:2] + box[2:]) / 2)
        size = rescale * (box[2:] - box[:2]).max()
        width = 2 * LENS / labels['translation'][i, 2].double()
        shift = labels['translation'][i, :2] - 2 * (center - torch.tensor(principal)) / width
        camera = torch.cat([(width / size)[None], shift]).float()[None]
        out = {name: labels[name][i][None] for name in ('global_orient', 'body_pose', 'betas')}
        out |= inferencer.model.head.body_model(out['global_orient'], out['body_pose'], out['betas'])
        out |= dict(camera=camera, keypoints=project_to_crop(out['joints'], camera_translation(camera)))
        return {name: value[None] for name, value in out.items()}

    monkeypatch.setattr(inferencer.model.head, 'forward', forward)


def test_true_parameters_land_on_the_picture(hands, rendered, monkeypatch):
    canvas, labels = rendered
    boxes, principal = boxes_of(labels['pixels']), (2 * PAD + SIDE / 2, PAD + SIDE / 2)
    feed_truth(hands, monkeypatch, labels, boxes, principal, range(4))
    motion, = hands(canvas, boxes=boxes[:, None], right=True, fps=30, intrinsics=(LENS, LENS, *principal), batch_size=1)
    assert motion.frame == 'camera' and motion.skeleton == 'hand21' and motion.valid.all()
    assert np.abs(perspective(motion.joints, LENS, np.array(principal)) - labels['pixels']).max() < 0.7
    truth = labels['joints'].numpy()
    assert np.abs(motion.joints - truth).max() < 0.01 * truth[..., 2].max()
    assert np.abs((motion.joints - motion.joints[:, :1]) - (truth - truth[:, :1])).max() < 1e-5
    mesh = motion.mesh
    assert np.abs((mesh.vertices - motion.joints[:, :1]) - (labels['vertices'].numpy() - truth[:, :1])).max() < 1e-5
    assert mesh.faces.max() == mesh.vertices.shape[1] - 1 and mesh.body_model == 'open_hand'
    again = hands.model.head.body_model(*(torch.from_numpy(mesh.parameters[name]) for name in (
        'global_orient', 'body_pose', 'betas', 'translation')))
    assert np.abs(again['joints'].numpy() - motion.joints).max() < 1e-4
    # A wider lens stands nearer; its picture of the joints is the same.
    feed_truth(hands, monkeypatch, labels, boxes, principal, range(4))
    near, = hands(canvas, boxes=boxes[:, None], right=True, fps=30, field_of_view=50, batch_size=1)
    camera = near.mesh.parameters['intrinsics'][0]
    assert near.joints[..., 2].max() < 0.5 * motion.joints[..., 2].min()
    off = perspective(near.joints, camera[0], camera[2:]) - labels['pixels']
    assert np.sqrt(np.square(off).sum(-1).mean()) < 0.03 * SIDE


@pytest.mark.parametrize('with_poses', [False, True])
def test_the_mirror_image_is_a_left_hand(hands, rendered, with_poses):
    canvas, labels = rendered
    # Whole pixels, so that the mirrored box is the same to the last bit: else some pixels of its crop differ by one.
    pixels, width, height = np.round(labels['pixels']), *canvas.shape[2:0:-1]
    mirrored = pixels * [-1, 1] + [width - 1, 0]
    lens = (300.0, 300.0, (width - 1) / 2, (height - 1) / 2)

    def predict(pictures, points, right):
        where = dict(poses={'right_hand' if right else 'left_hand': poses_of(points)}) if with_poses else dict(
            boxes=boxes_of(points)[:, None], right=right)
        return hands(pictures, fps=30, intrinsics=lens, **where)[0]

    one, other = predict(canvas, pixels, True), predict(np.ascontiguousarray(canvas[:, :, ::-1]), mirrored, False)
    flip = np.array([-1, 1, 1])
    assert np.abs(other.joints - one.joints * flip).max() < 1e-5
    root = one.joints[:, :1]
    assert np.abs((other.mesh.vertices - other.joints[:, :1]) * flip - (one.mesh.vertices - root)).max() < 1e-5
    assert np.array_equal(other.mesh.faces, one.mesh.faces[:, ::-1])
    assert one.provenance['side'] == 'right' and other.provenance['side'] == 'left'
    assert other.mesh.body_model == 'open_hand (mirrored)'
    if with_poses:
        np.testing.assert_array_equal(other.keypoints, mirrored.astype(np.float32))
        assert other.image_size == (width, height)
    else:
        assert other.keypoints is None
    # The parameters of the left hand pose the mirrored model.
    parameters = {name: torch.from_numpy(value) for name, value in other.mesh.parameters.items()}
    plain = hands.model.head.body_model(*(parameters[name] for name in ('global_orient', 'body_pose', 'betas')))
    assert not np.allclose(plain['vertices'].numpy() + parameters['translation'].numpy()[:, None], other.mesh.vertices,
                           atol=1e-3)
    signs = torch.tensor([[1., -1, -1], [-1, 1, 1], [-1, 1, 1]])
    right = hands.model.head.body_model(parameters['global_orient'] * signs, parameters['body_pose'] * signs,
                                        parameters['betas'])['vertices'].numpy() * flip
    assert np.abs(right + parameters['translation'].numpy()[:, None] - other.mesh.vertices).max() < 1e-4


def test_every_stream_of_the_config_is_there(hands, rendered):
    canvas, labels = rendered
    seen = []
    hook = hands.model.backbone.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    try:
        motion, = hands(canvas, poses=poses_of(labels['pixels']), fps=30, right=True)
        plain, = hands(canvas, boxes=boxes_of(labels['pixels'])[:, None], right=True, fps=30)
    finally:
        hook.remove()
    assert {'image', 'pose_image', 'pose_detected', 'valid'} <= set(seen[0])
    assert seen[0]['image'].shape == (4, 1, 3, 96, 96) and seen[0]['pose_detected'].all()
    assert not seen[1]['pose_detected'].any()
    assert torch.allclose(seen[0]['image'], seen[1]['image'], atol=1e-4)
    assert np.abs(motion.joints - plain.joints).max() > 1e-4
    assert motion.confidence is not None and plain.confidence is None


def test_pictures_stand_for_themselves(hands, rendered, tmp_path):
    canvas, labels = rendered
    for number, picture in enumerate(canvas[:3]):
        cv2.imwrite(str(tmp_path / f'{number}.png'), picture[..., ::-1])
    boxes = boxes_of(labels['pixels'])
    motions = hands(tmp_path, boxes=[boxes[0], np.stack([boxes[1], boxes[1] + 3]), None], right=[True, False])
    assert [(motion.person, len(motion)) for motion in motions] == [('0-0', 1), ('1-0', 1), ('1-1', 1)]
    assert [motion.provenance['side'] for motion in motions] == ['right', 'right', 'left']
    one, = hands(tmp_path / '1.png', boxes=boxes[1], right=True)
    np.testing.assert_allclose(one.joints, motions[1].joints, atol=1e-5)
    assert hands(tmp_path / '1.png', boxes=boxes[1], right=True, frame='root')[0].joints[0, 0] == pytest.approx(0)


def test_a_video_is_followed_and_its_damage_marked(hands, rendered, tmp_path):
    canvas, labels = rendered
    order = [0, 0, 1, 1, 1, 2, 2, 2, 3, 3]
    path = write_video(tmp_path / 'hand.avi', list(canvas[order]), 25.0, 'MJPG')
    points = labels['pixels'][0] + np.arange(10)[:, None, None]
    points[4] = np.nan
    poses = collect_frames([None if i == 4 else (points[i][None], np.ones((1, 21))) for i in range(10)],
                           skeleton='hand21', image_size=(248, 208), normalized=False, fps=25)
    motion, = hands(path, poses=dict(left_hand=poses))
    assert len(motion) == 10 and motion.valid.all() and motion.filled.tolist() == [i == 4 for i in range(10)]
    assert np.allclose(motion.time, np.arange(10) / 25) and motion.person == 'left-0'
    rough, = hands(path, poses=dict(left_hand=poses), tracking=dict(max_hole=0), batch_size=3)
    assert rough.valid.all(1).tolist() == [i != 4 for i in range(10)] and np.isnan(rough.joints[4]).all()
    np.testing.assert_allclose(rough.joints[rough.valid], motion.joints[rough.valid], atol=1e-5)
    rough.save(tmp_path / 'motion.npz')
    loaded = Motion.load(tmp_path / 'motion.npz')
    assert np.array_equal(loaded.mesh.vertices, rough.mesh.vertices, equal_nan=True)
    bare, = hands(path, poses=dict(left_hand=poses), mesh=False)
    assert bare.mesh is None and np.allclose(bare.joints, motion.joints, atol=1e-5)
    with pytest.raises(ValueError, match='of another video'):
        hands(path, poses=collect_frames([(points[0][None], np.ones((1, 21)))] * 20, skeleton='hand21',
                                         image_size=(248, 208), normalized=False))


def test_what_cannot_be_used_is_marked_and_counted(hands, rendered, tmp_path):
    canvas, labels = rendered
    for number, picture in enumerate(canvas):
        cv2.imwrite(str(tmp_path / f'{number}.png'), picture[..., ::-1])
    (tmp_path / '2.png').write_bytes(b'no picture')
    boxes = np.repeat(boxes_of(labels['pixels'])[:, None], 3, 1)
    boxes[1, 1] += 5000           # outside
    boxes[3, 1, 2] = boxes[3, 1, 0]  # empty
    boxes[:, 2] = np.nan          # nobody
    first, second = hands(tmp_path, boxes=boxes, right=True, fps=10)
    assert first.valid.all(1).tolist() == [True, True, False, True]
    assert second.valid.all(1).tolist() == [True, False, False, False]
    assert first.provenance['skipped'] == {
        'box outside the image': 1, 'empty box': 1, 'image cannot be read': 2}
    assert first.provenance['input']['pictures'] == {'read': 3, 'cannot be read': 1}
    nobody = hands(tmp_path, boxes=boxes[:, 2:], right=True, fps=10)
    assert nobody == []
    alone, = hands(tmp_path / '0.png', boxes=(900, 900, 950, 950), right=True)
    assert not alone.valid.any() and alone.mesh is None and alone.joints.shape == (1, 21, 3)
    with pytest.raises(ValueError, match='left, top, right, bottom'):
        hands(canvas[0], boxes=(1, 2, 3), right=True)


def test_a_detector_finds_the_hands(hands, rendered, monkeypatch, tmp_path):
    canvas, labels = rendered
    shares = labels['pixels'] / canvas.shape[2:0:-1]
    log = []
    monkeypatch.setitem(sys.modules, 'mediapipe', fake_mediapipe(
        lambda image, call: [(shares[0], 'Left'), (shares[1] + 0.05, 'Right')], log))
    right, left = sorted(hands(canvas, fps=30), key=lambda motion: motion.provenance['side'], reverse=True)
    assert (right.person, left.person) == ('right-0', 'left-0') and right.provenance['side'] == 'right'
    assert log[0]['static_image_mode'] is False and right.confidence == pytest.approx(0.8)
    log.clear()
    single = hands(canvas[0])
    assert log[0]['static_image_mode'] is True and [motion.person for motion in single] == ['0-0', '0-1']
    np.testing.assert_allclose(single[0].joints[0], right.joints[0], atol=1e-5)

    def own(image, time):
        return [Detection(labels['pixels'][0], np.ones(21))]

    own.skeleton = 'hand21'
    with pytest.warns(UserWarning, match='nothing tells left hands'):
        unknown, = hands(canvas[0], detector=own)
    assert unknown.provenance['side'] == 'right'
    assert hands(canvas[0], detector=own, right=False)[0].provenance['side'] == 'left'
    monkeypatch.setitem(sys.modules, 'mediapipe', None)
    with pytest.raises(ModuleNotFoundError, match='pass boxes and right, or poses, or detector; .*pip install'):
        hands(canvas[0])


def test_bodies_in_windows(tmp_path):
    bodies = build(tmp_path, BODY)
    pictures, labels = SyntheticMeshDataset(1, image_size=(SIDE, SIDE), body='open_body', num_frames=7,
                                            pose_form=None).render(np.arange(1))
    points = (labels['keypoints'][0].numpy() + 0.5) * SIDE
    boxes = np.concatenate([points.min(1), points.max(1)], -1)
    motion, = bodies(pictures[0], boxes=boxes[:, None], fps=30, field_of_view=60)
    assert (len(motion), motion.skeleton, motion.mesh.vertices.shape[0]) == (7, 'smpl24', 7) and motion.valid.all()
    other, = bodies(pictures[0], boxes=boxes[:, None], fps=30, field_of_view=60, batch_size=1)
    np.testing.assert_allclose(other.joints, motion.joints, atol=1e-5)
    coco = np.stack([points[:, [15, 15, 15, 15, 15, 16, 17, 18, 19, 20, 21, 1, 2, 4, 5, 7, 8]]], 1)
    posed, = bodies(pictures[0], fps=30, poses=collect_frames(
        [(people, np.full((1, 17), 0.9)) for people in coco], image_size=(SIDE, SIDE), normalized=False))
    assert posed.valid.all() and 'side' not in posed.provenance
    seen = posed.confidence[0] > 0
    assert seen[[1, 2, 4, 5, 7, 8, 16, 17, 18, 19, 20, 21]].all() and not seen[[0, 3, 15]].any()


def test_the_config_of_an_official_data_set(tmp_path, rendered):
    canvas, labels = rendered
    inferencer = build(tmp_path, OFFICIAL)
    assert inferencer.options['crop'] == dict(rescale=2.0, size=96, width=96)
    motion, = inferencer(canvas[0], boxes=boxes_of(labels['pixels'][0]), right=True)
    assert motion.valid.all()
    assert isinstance(load_inferencer(tmp_path / 'config.py', tmp_path / 'model.pth', device='cpu'), MeshInferencer)


def test_options_that_do_not_fit(hands, rendered):
    picture = rendered[0][0]
    for options, message in ((dict(boxes=(1, 2, 30, 40), poses='a.json'), 'only one says where'),
                             (dict(boxes=(1, 2, 30, 40), frame='world'), "frame='world'"),
                             (dict(boxes=(1, 2, 30, 40), person='tall'), "person='tall'"),
                             (dict(boxes=(1, 2, 30, 40), right=True, batch_size=0), 'batch_size=0'),
                             (dict(poses=dict(feet=[])), 'feet')):
        with pytest.raises(ValueError, match=message):
            hands(picture, **options)


def test_hands_of_the_whole_body(hands, rendered, tmp_path):
    canvas, labels = rendered
    whole = np.full((4, 133, 3), np.nan)
    whole[:, :17] = [100, 100, 0.9]
    whole[:, :17, 1] += np.arange(17)
    whole[:, 112:133] = np.concatenate([labels['pixels'], np.ones((4, 21, 1))], -1)
    whole[:3, 91:112] = whole[:3, 112:133] - [20, 0, 0.3]
    np.savez(tmp_path / 'poses.npz', keypoints=whole, image_size=(SIDE + 3 * PAD, SIDE + 2 * PAD))
    left, right = hands(canvas, poses=tmp_path / 'poses.npz', fps=30)
    assert (left.person, right.person) == ('left-0', 'right-0') and (len(left), len(right)) == (3, 4)
    expected, = hands(canvas, poses=dict(right_hand=poses_of(labels['pixels'])), fps=30)
    np.testing.assert_allclose(right.joints, expected.joints, atol=1e-5)


def test_no_more_pictures_than_a_batch_are_in_memory(hands, rendered):
    canvas, labels = rendered

    class Stream(ImageSource):
        name, num_frames, fps, report = 'stream', 20, 30.0, {}
        seen, most = [], 0

        def __iter__(self):
            for number in range(20):
                image = canvas[number % 4].copy()
                self.seen.append(weakref.ref(image))
                yield TimedImage(number, number / 30, image, f'stream[{number}]')
                self.most = max(self.most, sum(ref() is not None for ref in self.seen))

    source = Stream()
    motion, = hands(source, boxes=np.tile(boxes_of(labels['pixels'])[:, None], (5, 1, 1)), right=True, batch_size=4)
    assert motion.valid.all() and len(motion) == 20 and 4 <= source.most <= 9


@pytest.mark.parametrize('name', [path.stem for path in sorted(CONFIGS.glob('*-tiny_synthetic-hand.py'))])
def test_every_tiny_config(name, rendered, tmp_path):
    canvas, labels = rendered
    (tmp_path / name).mkdir()
    inferencer = build(tmp_path / name, f"_base_ = ['{CONFIGS}/{name}.py']")
    motion, = inferencer(canvas[:2], poses=dict(left_hand=poses_of(labels['pixels'][:2])), fps=30)
    assert motion.valid.all() and motion.mesh.vertices.shape[0] == 2


def test_a_model_without_a_body_says_so(tmp_path):
    cfg = load_config(CONFIGS / 'vit-tiny_synthetic-hand-2d.py')
    torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict()), tmp_path / 'model.pth')
    with pytest.raises(ValueError, match='has no body model'):
        MeshInferencer(CONFIGS / 'vit-tiny_synthetic-hand-2d.py', tmp_path / 'model.pth', device='cpu')


@pytest.mark.parametrize('boxes', [5, 'a', [[1, 2, 3]], [[1, [2], 3, 4]], [[1, 2, 3, 4], [1, 2, 3]], [['a', 1, 2, 3]],
                                   [{}]])
def test_boxes_that_are_none_are_told(boxes):
    with pytest.raises(ValueError, match='boxes should be left, top, right, bottom'):
        subjects_of_boxes(boxes, True, 'hand21', single=True, separate=True)


def test_nobody_is_no_box():
    for nobody in ([], [None], [[1, 2, 3, None]]):
        assert subjects_of_boxes(nobody, True, 'hand21', single=True, separate=True) == []
