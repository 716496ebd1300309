"""A fixed set of synthetic hands as jpg files and one npz, in the layout that the reader hamer_npz reads.

Use it to compare with other code, or as data set files to try the image pipeline on.
"""
import argparse
import os.path as osp
import sys
from pathlib import Path

sys.path.insert(0, osp.dirname(osp.dirname(osp.dirname(osp.abspath(__file__)))))  # a checkout runs its own package

from mmegopose.engine.config import user_errors


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('out', metavar='OUT_DIR', type=Path, help='folder for synthetic_hands.npz and images/')
    parser.add_argument('--length', type=int, default=200, help='number of hands (default: 200, about 3 MB)')
    parser.add_argument('--size', type=int, default=256, help='side of the pictures in pixels (default: 256)')
    parser.add_argument('--body', default='open_hand', help='open_hand or your MANO file (default: open_hand)')
    parser.add_argument('--rotation', choices=['full', 'limited'], default='full')
    parser.add_argument('--split', choices=['train', 'val'], default='val')
    parser.add_argument('--seed', type=int, default=0)
    return parser.parse_args()


def main():
    args = parse_args()
    with user_errors():
        import cv2
        import numpy as np
        import torch
        from rich.progress import track

        from mmegopose.files import atomic_write
        from mmegopose.geometry.rotations import so3_log
        from mmegopose.npz import write_arrays
        from mmegopose.synthesis import SyntheticMeshDataset

        data = SyntheticMeshDataset(args.length, (args.size, args.size), args.split, args.body, rotation=args.rotation,
                                    pose_form=None, seed=args.seed)
        if data.figure.model.num_joints != 16:
            raise ValueError(f'--body {args.body!r} is no hand; the layout of the npz has room for hands only')
        rows = []
        for index in track(range(args.length), 'drawing', transient=True):
            pictures, targets = data.render(np.array([index]))
            name = f'images/{index:06d}.jpg'
            _, content = cv2.imencode('.jpg', pictures[0, 0, ..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
            with atomic_write(args.out / name, 'wb') as stream:
                stream.write(content)
            target = {key: value[0, 0] for key, value in targets.items()}
            keypoints = (target['keypoints'] + 0.5) * args.size
            low, high = keypoints.amin(0), keypoints.amax(0)
            rotations = torch.cat([target['global_orient'], target['body_pose']])
            ones = torch.ones(len(keypoints), 1)
            rows.append(dict(imgname=name, center=(low + high) / 2, scale=high - low, right=1.0,
                             hand_pose=so3_log(rotations).flatten(), has_hand_pose=1.0, betas=target['betas'],
                             has_betas=1.0, hand_keypoints_2d=torch.cat([keypoints, ones], 1),
                             hand_keypoints_3d=torch.cat([target['joints'], ones], 1)))
        file = args.out / 'synthetic_hands.npz'
        write_arrays(file, {key: np.stack([row[key] for row in rows]) for key in rows[0]})
        print(f'{args.length} hands -> {file}')


if __name__ == '__main__':
    main()
