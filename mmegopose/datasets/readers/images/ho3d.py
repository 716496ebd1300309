"""HO-3D versions 2 and 3 (Hampali et al., CVPR 2020)."""
from pathlib import Path

import numpy as np

from ....files import BadFile, as_floats, read_json, require
from ....geometry.crops import boxes_from_corners, keypoint_boxes
from ....registry import READERS
from ...cache import cached_store
from ...store import SequenceStore
from .annotations import (
    BAD_ANNOTATION,
    project_keypoints,
    read_annotation_pickle,
    skip_reason,
    turn_root,
    with_confidence,
)
from .image_rows import SkipReport, image_store, no_usable_sample

FROM_OPENGL = np.diag([1.0, -1.0, -1.0])  # y up, z backward to y down, z forward; a rotation, its own inverse
MANO_ORDER = (0, 13, 14, 15, 16, 1, 2, 3, 17, 4, 5, 6, 18, 10, 11, 12, 19, 7, 8, 9, 20)  # of MANO and its five tips
DOWNLOAD = 'data_root should be the folder of HO3D_v2 or HO3D_v3, with train.txt, evaluation.txt and their folders'


@READERS.register_module('ho3d')
def read_ho3d(data_root: str, split: str = 'train', cache_dir: str | None = None) -> SequenceStore:
    """Right hands with objects, videos of 640 x 480; single frames come in the order of ``{split}.txt``.

    The images are ``{split}/SEQ/rgb/ID.png`` (version 2) or ``.jpg`` (version 3), the labels
    ``{split}/SEQ/meta/ID.pkl``. In evaluation these know only the box and the wrist; the other joints and the vertices
    come from ``evaluation_xyz.json`` and ``evaluation_verts.json``, if they lie in ``data_root``.

    Args:
        data_root: folder of the data set.
        split: ``'train'`` or ``'evaluation'``.
        cache_dir: see :func:`.cached_store`.

    Raises:
        FileNotFoundError, BadFile: a file is missing or damaged.
        ValueError: unknown split, or no usable sample.
    """
    if split not in ('train', 'evaluation'):
        raise ValueError(f"split={split!r} should be 'train' or 'evaluation'")
    root = require(data_root, DOWNLOAD)
    listing = require(root / f'{split}.txt', DOWNLOAD)
    names = listing.read_text(encoding='utf-8', errors='replace').split()  # a damaged name is no file there
    require(root / split, DOWNLOAD)
    videos = sorted({name.partition('/')[0] for name in names})
    suffixes = {video: '.png' if any((root / split / video / 'rgb').glob('*.png')) else '.jpg' for video in videos}
    truth = [root / f'evaluation_{name}.json' for name in ('xyz', 'verts')] if split == 'evaluation' else []
    sources = [path for path in (*truth, *(_meta(root, split, name) for name in names)) if path.is_file()]
    return cached_store('ho3d', [listing, *sources], [split, suffixes],
                        lambda: _parse(root, split, names, suffixes), cache_dir)


def _meta(root: Path, split: str, name: str) -> Path:
    """File with the labels of a line of the list, ``VIDEO/FRAME``."""
    video, _, number = name.partition('/')
    return root / split / video / 'meta' / f'{number}.pkl'


def _parse(root: Path, split: str, names: list, suffixes: dict) -> SequenceStore:
    videos, report = list(suffixes), SkipReport()
    index, labels, files, sequence, frame = [], [], [], [], []
    for row, name in enumerate(names):
        try:
            video, _, number = name.partition('/')
            labels.append(_label(_meta(root, split, name)))
        except BAD_ANNOTATION as error:
            report.skip(skip_reason(error), error if isinstance(error, BadFile) else f'{name}: {error!r}')
            continue
        index.append(row)
        files.append(f'{split}/{video}/rgb/{number}{suffixes[video]}')
        sequence.append(videos.index(video))
        frame.append(int(number))
    if not labels:
        raise no_usable_sample(root, report)
    columns = {key: np.stack([label[key] for label in labels]) for key in labels[0]}
    joints, known = columns['joints'] @ FROM_OPENGL, columns.pop('known')
    if split == 'evaluation':
        for name, key, points in (('xyz', 'joints', 21), ('verts', 'vertices', 778)):
            truth = _truth(root / f'evaluation_{name}.json', len(names), points)
            if truth is not None and key == 'joints':
                joints, known = truth[index][:, MANO_ORDER], np.ones_like(known)
            elif truth is not None:
                columns['vertices'] = truth[index]
    keypoints = project_keypoints(joints, columns.pop('intrinsics'))
    keypoints[..., 2] *= known
    corners = columns.pop('corners')
    boxes = np.where(np.isfinite(corners).all(1, keepdims=True), boxes_from_corners(corners), keypoint_boxes(keypoints))
    columns |= dict(joints=with_confidence(joints, known), pose=turn_root(columns['pose'], FROM_OPENGL))
    sequences = [dict(uid=video, name=video, root_dir=f'{split}/{video}') for video in videos]
    return image_store('hand', root, 'HO3D', split, file=files, box=boxes, keypoints=keypoints, image_size=(640, 480),
                       sequence=sequence, frame=frame, sequences=sequences, report=report, **columns)


def _label(path: Path) -> dict:
    """One row in OpenGL axes; joints in the order of the package."""
    meta = read_annotation_pickle(path)
    joints = np.asarray(meta['handJoints3D'], np.float64)
    if joints.shape == (3,):  # evaluation: the wrist only
        points, known = np.zeros((21, 3)), np.zeros(21)
        points[0], known[0] = joints, 1
    else:
        points, known = joints.reshape(21, 3)[list(MANO_ORDER)], np.ones(21)
    has_pose = meta.get('handPose') is not None and np.size(meta['handPose']) == 48
    box = meta.get('handBoundingBox')
    return dict(
        joints=points, known=known, intrinsics=np.asarray(meta['camMat'], np.float64).reshape(3, 3),
        corners=np.full(4, np.nan) if box is None else np.asarray(box, np.float64).reshape(4),
        pose=np.asarray(meta['handPose'], np.float64).reshape(16, 3) if has_pose else np.zeros((16, 3)),
        betas=np.asarray(meta['handBeta'], np.float64).reshape(10) if has_pose else np.zeros(10),
        has_pose=has_pose, has_betas=has_pose)


def _truth(path: Path, count: int, points: int) -> np.ndarray | None:
    """``(count,points,3)`` in camera axes, or None if there is no such file."""
    if not path.is_file():
        return None
    content = read_json(path, list)
    if len(content) != count:
        raise BadFile(f'{path} should hold {count} hands, as evaluation.txt does, got {len(content)}; take both from '
                      'the same version of the data set')
    return as_floats(content).reshape(count, points, 3) @ FROM_OPENGL
