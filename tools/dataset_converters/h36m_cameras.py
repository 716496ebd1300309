"""Cameras of Human3.6M, from your own copy of the data, as the file that mmegopose reads.

The calibration is licensed with the data set: register at http://vision.imar.ro/human3.6m and keep the file private.
"""
import argparse
import ast
import json
import os.path as osp
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

sys.path.insert(0, osp.dirname(osp.dirname(osp.dirname(osp.abspath(__file__)))))  # a checkout runs its own package

from mmegopose.datasets.readers.lifting.videopose3d import read_cameras
from mmegopose.engine.config import user_errors
from mmegopose.files import DAMAGE, BadFile, atomic_write

SIZES = {'54138969': (1000, 1002), '55011271': (1000, 1000), '58860488': (1000, 1000), '60457274': (1000, 1002)}
NUM_SUBJECTS = 11


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', metavar='SOURCE', help="Human3.6M's metadata.xml, or common/h36m_dataset.py of "
                                                         'VideoPose3D, which is read and not run')
    parser.add_argument('out', metavar='OUT.json', nargs='?', default='cameras_h36m.json', help='file to write')
    return parser.parse_args()


def read_videopose3d(path) -> dict:
    """Cameras by subject and name, from the two literals of VideoPose3D's ``common/h36m_dataset.py``."""
    try:
        tree = ast.parse(Path(path).read_text(encoding='utf-8'))
        assigned = {node.targets[0].id: node.value for node in tree.body
                    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)}
        intrinsics, extrinsics = (ast.literal_eval(assigned[f'h36m_cameras_{kind}_params'])
                                  for kind in ('intrinsic', 'extrinsic'))
        return {subject: {inner['id']: _videopose3d_entry(inner, outer)
                          for inner, outer in zip(intrinsics, poses, strict=True)}
                for subject, poses in extrinsics.items() if all(poses)}  # subjects without labels have empty poses
    except DAMAGE as error:
        raise BadFile(f"{path} is not VideoPose3D's common/h36m_dataset.py ({type(error).__name__}: {error}); copy it "
                      'from https://github.com/facebookresearch/VideoPose3D') from None


def _videopose3d_entry(inner: dict, outer: dict) -> dict:
    parts = (inner[key] for key in ('focal_length', 'center', 'radial_distortion', 'tangential_distortion'))
    return _entry((inner['res_w'], inner['res_h']), [x for part in parts for x in part], outer['orientation'],
                  outer['translation'])


def read_metadata(path) -> dict:
    """Cameras by subject and name, from the 300 numbers ``w0`` of Human3.6M's ``metadata.xml``.

    For each camera and subject three angles and the centre in mm: world axes turn into camera axes by
    ``Rx(a) Ry(b) Rz(c)``. Then for each camera fx fy cx cy k1 k2 k3 p1 p2.
    """
    try:
        text = ElementTree.parse(path).find('.//w0').text
        numbers = np.array(text.strip(' \n[]').split(), float)
        poses = numbers[:-9 * len(SIZES)].reshape(len(SIZES), NUM_SUBJECTS, 6)
        intrinsics = numbers[-9 * len(SIZES):].reshape(len(SIZES), 9)
    except DAMAGE as error:
        raise BadFile(f"{path} is not Human3.6M's metadata.xml: it lacks the 300 numbers <w0>[...]</w0> ({error})"
                      ) from None
    orientations = Rotation.from_euler('XYZ', poses[..., :3].reshape(-1, 3)).inv().as_quat()[:, [3, 0, 1, 2]]
    orientations = orientations.reshape(len(SIZES), NUM_SUBJECTS, 4)
    return {f'S{s + 1}': {name: _entry(size, intrinsics[c].tolist(), orientations[c, s].tolist(), poses[c, s, 3:])
                          for c, (name, size) in enumerate(SIZES.items())} for s in range(NUM_SUBJECTS)}


def _entry(size, intrinsics, orientation, translation_mm) -> dict:
    return dict(width=size[0], height=size[1], intrinsics=intrinsics, orientation=orientation,
                translation=[x / 1000 for x in translation_mm])


def main():
    args = parse_args()
    with user_errors():
        cameras = (read_metadata if args.source.endswith('.xml') else read_videopose3d)(args.source)
        with atomic_write(args.out) as file:
            json.dump(cameras, file, indent=1)
        counts = {subject: len(found) for subject, found in read_cameras(args.out).items()}
        print(f'{sum(counts.values())} cameras of {", ".join(counts)} -> {args.out}')


if __name__ == '__main__':
    main()
