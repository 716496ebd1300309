"""Everything that reads something from outside: how a good file of it is made, and how it is read."""
import json
from types import SimpleNamespace
from unittest import mock

import numpy as np
import torch
from test_datasets import test_mocap
from test_inference.test_inputs import test_head_track_formats, test_poses_2d

from mmegopose.body_models import read_body_model
from mmegopose.datasets.converters import asf, bvh
from mmegopose.datasets.mocap_sequences import MocapSequences
from mmegopose.datasets.readers import head_pose, images, lifting
from mmegopose.datasets.shipped_motion import ASSET
from mmegopose.engine import check_config, load_config, load_from_local
from mmegopose.engine.checkpoint import load_state, state_of
from mmegopose.engine.options import Options
from mmegopose.evaluation import read_submission, score_submission, validate_submission
from mmegopose.evaluation.submissions.hand_file import read_hand_submission, validate_hand_submission
from mmegopose.inference.inputs.head_tracks import read_head_track
from mmegopose.inference.inputs.poses_2d import read_poses_2d
from mmegopose.motion import Motion

from . import body_fixtures, egoexo_fixture, image_fixture, lifting_fixture, track_files
from .tiny_models import HEAD

TARGETS = {}


def target(name, pattern='*', **about):
    """Register ``prepare(root) -> read()``; the files below ``root`` that match ``pattern`` get the damage."""
    def register(prepare):
        TARGETS[name] = SimpleNamespace(prepare=prepare, pattern=pattern, **about)
        return prepare
    return register


def _images(name, write, read, **options):
    def prepare(root):
        write(root / 'data')
        return lambda: read(root / 'data', **options)
    target(name, 'data/**/*')(prepare)


_images('freihand', image_fixture.write_freihand, images.read_freihand)
_images('ho3d', image_fixture.write_ho3d, images.read_ho3d)
_images('hint', image_fixture.write_hint, images.read_hint, subsets=('newdays_img',))
_images('hamer_npz', image_fixture.write_hamer_npz, images.read_hamer_npz, file='hands.npz')
_images('hamer_tar', image_fixture.write_hamer_tar, images.read_hamer_tar)
_images('pw3d', image_fixture.write_pw3d, images.read_pw3d)
_images('emdb', image_fixture.write_emdb, images.read_emdb)
TARGETS['hint'].pattern, TARGETS['pw3d'].pattern = 'data/**/*.json', 'data/**/*.pkl'
TARGETS['freihand'].pattern, TARGETS['emdb'].pattern = 'data/*.json', 'data/**/*.pkl'
TARGETS['ho3d'].pattern, TARGETS['hamer_npz'].pattern = 'data/**/*[tl]', 'data/*.npz'


@target('coco_wholebody', 'data/annotations/*')
def _(root):
    image_fixture.write_coco_wholebody(root / 'data')
    return lambda: images.read_coco_wholebody_hands(root / 'data', cache_dir=root / 'cache')


@target('egoexo4d_body', 'data/**/*.json')
def _(root):
    egoexo_fixture.write_dataset(root / 'data', frames=45)
    return lambda: head_pose.read_egoexo4d_body(str(root / 'data'), 'val', cache_dir=root / 'cache', num_parsers=1)


def _lifting(name, write, read, **options):
    def prepare(root):
        (root / 'data').mkdir()
        write(root / 'data')
        return lambda: read(str(root / 'data'), cache_dir=root / 'cache', **options)
    target(name, 'data/*')(prepare)


_lifting('h36m', lambda root: lifting_fixture.write_h36m(root, *lifting_fixture.h36m(root)), lifting.read_h36m,
         keypoints='gt')
_lifting('humaneva', lambda root: lifting_fixture.write_humaneva(root, *lifting_fixture.humaneva(root)),
         lifting.read_humaneva, subjects=('S1', 'S2'))
_lifting('mpi_inf_3dhp', lambda root: lifting_fixture.write_3dhp(root, *lifting_fixture.mpi_inf_3dhp()),
         lifting.read_mpi_inf_3dhp)


@target('mocap_clips', 'clips.npz')
def _(root):
    clips = [clip for clip in MocapSequences.load(ASSET)][:2]
    MocapSequences.join(clips).save(root / 'clips.npz')
    return lambda: MocapSequences.load(root / 'clips.npz')


@target('asf_amc', '*.a[sm][fc]')
def _(root):
    (root / '01.asf').write_text(test_mocap.ASF)
    (root / '01_01.amc').write_text(test_mocap.AMC)
    return lambda: asf.asf_kinematics(skeleton := asf.read_asf(root / '01.asf'), asf.read_amc(
        root / '01_01.amc', skeleton))


@target('bvh', '*.bvh')
def _(root):
    (root / 'a.bvh').write_text(test_mocap.BVH)
    return lambda: bvh.read_bvh(root / 'a.bvh')


@target('body_model', '*.npz')
def _(root):
    arrays, _ = body_fixtures.mano_arrays()
    np.savez(root / 'body.npz', **arrays)
    return lambda: vars(read_body_model(root / 'body.npz'))


@target('checkpoint', '*.pth')
def _(root):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 2))
    torch.save(dict(state_dict=model.state_dict(), meta=dict(iter=3, config='a = 1')), root / 'a.pth')

    def read():
        load_state(model, state_of(load_from_local(str(root / 'a.pth')), str(root / 'a.pth')), str(root / 'a.pth'))
        return dict(model.state_dict())
    return read


@target('submission', '*.json')
def _(root):
    rng = np.random.default_rng(0)
    entry = {f'take{i}': dict(take_name=f'takes/{i}', body={str(3 * f): rng.normal(0, 1, (17, 3)).round(3).tolist()
                                                           for f in range(5)}) for i in range(2)}
    for name in ('pred', 'truth'):
        (root / f'{name}.json').write_text(json.dumps(entry))

    def read():
        pred, truth = read_submission(root / 'pred.json'), read_submission(root / 'truth.json')
        return 'not fit' if validate_submission(pred, truth) else score_submission(pred, truth, clip_filter=False)
    return read


@target('hand_submission', '*.json')
def _(root):
    hands = np.random.default_rng(0).normal(0, .1, (2, 3, 21, 3)).round(4).tolist()
    (root / 'pred.json').write_text(json.dumps(hands))
    return lambda: validate_hand_submission(read_hand_submission(root / 'pred.json'), 'freihand')


@target('motion', '*.npz')
def _(root):
    Motion(np.arange(5) / 30, np.zeros((5, 17, 3)), 'coco17', confidence=np.ones((5, 17))).save(root / 'm.npz')
    return lambda: np.where((motion := Motion.load(root / 'm.npz')).valid[..., None], motion.joints, 0)


def _track(name):
    def prepare(root):
        time, poses = track_files.walk()
        write, options = test_head_track_formats.WRITERS[name]
        (root / 'data').mkdir()
        with mock.patch.multiple(test_head_track_formats, TIME=time[:60], POSES=poses[:60]):
            path = write(root / 'data')
        return lambda: vars(read_head_track(path, name, **options))
    target(f'track_{name}', 'data/**/*')(prepare)


def _poses(name):
    def prepare(root):
        write, options, _ = test_poses_2d.READ[name]
        (root / 'data').mkdir()
        path = write(root / 'data')
        return lambda: [vars(one) for one in read_poses_2d(path, name, **options)]
    target(f'poses_2d_{name}', 'data/**/*')(prepare)


for _name in test_head_track_formats.WRITERS:
    _track(_name)
for _name in test_poses_2d.READ:
    _poses(_name)


@target('config', '*.py')
def _(root):
    (root / 'a.py').write_text(HEAD + "optim_wrapper = dict(optimizer=dict(lr=1e-3))\ntrain_cfg = dict(max_iters=500)\n"
                               "train_dataloader = dict(batch_size=4, num_workers=0)\nrandomness = dict(seed=3)\n")

    def read():
        check_config(load_config(str(root / 'a.py')), str(root / 'a.py'))
    return read


@target('cfg_options', 'options.txt', named=False)
def _(root):
    (root / 'a.py').write_text(HEAD)
    (root / 'options.txt').write_text('optim_wrapper.optimizer.lr=1e-3 train_cfg.max_iters=500 data_root=sample '
                                      'train_dataloader.batch_size=4 randomness.seed=3 model.backbone.depth=2')

    def read():
        words = (root / 'options.txt').read_bytes().decode('utf-8', 'replace').split()
        check_config(load_config(str(root / 'a.py'), Options.of(words)), 'a.py')
    return read
