"""A tiny hand data set in the layout of the official preparation of Ego-Exo4D: annotation files and pictures."""
import json

import cv2
import numpy as np

CAMERA = np.array([[150, 0, 255.5], [0, 150, 255.5], [0, 0, 1]])
FINGERS = np.array([(0.045, 0.035, 0.03, 0.025)] + [(0.085, 0.038, 0.026, 0.022)] * 4)  # bones, thumb first, metres


def hand_in_camera(rng, side):
    """Joints ``(21,3)`` in the landscape camera: x down the body, y to the wearer's left, z forward."""
    sign = 1 if side == 'left' else -1
    joints = [np.zeros(3)]
    for finger, bones in enumerate(FINGERS):
        spread = (finger - 2) * 0.22 * sign
        direction = np.array([-0.8 * np.cos(spread), -np.sin(spread), 0.6 * np.cos(spread)])
        curl = rng.uniform(0.7, 1.0)
        joints += [direction * curl * reach for reach in np.cumsum(bones)]
    place = [0.15 + rng.normal(0, 0.02), sign * 0.1 + rng.normal(0, 0.02), 0.4 + rng.normal(0, 0.02)]
    return np.array(joints) + place


def project(points):
    pixels = points @ CAMERA.T
    return pixels[..., :2] / pixels[..., 2:]


def write_egoexo_hands(root, num_takes=2, num_frames=4, splits=('train', 'val', 'test'), labels='manual'):
    """Frames 6, 9, ...; the second take has no left hand in its last frame. Returns ``{split: {(uid, frame, side):
    joints (21,3)}}``, all of them, and writes those of the test split nowhere."""
    truth = {}
    for number, split in enumerate(splits):
        rng, content, joints = np.random.default_rng(number), {}, {}
        for take in range(num_takes):
            uid, name = f'{split}-uid-{take}', f'{split}_music_{take:02d}_1'
            for frame in range(6, 6 + 3 * num_frames, 3):
                image = np.full((512, 512, 3), rng.integers(60, 120, 3), np.uint8)
                entry = dict(metadata=dict(take_uid=uid, take_name=name, frame_number=frame))
                for side in ('right', 'left'):
                    lacking = side == 'left' and take == 1 and frame == 6 + 3 * (num_frames - 1)
                    points = hand_in_camera(rng, side)
                    valid = (rng.random(21) < 0.9) & ~lacking
                    valid[0] = frame != 9  # where it is not visible its place is known all the same
                    pixels = project(points)
                    entry |= _labels(side, points, pixels, valid, lacking, test=split == 'test')
                    if not lacking:
                        joints[uid, frame, side] = points
                        for x, y in pixels:
                            cv2.circle(image, (round(x), round(y)), 4, (40, 120, 230), -1)
                content.setdefault(uid, {})[str(frame)] = entry
                path = root / 'image/undistorted' / split / name / f'{frame:06d}.jpg'
                path.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(path), image)
        path = root / 'annotation' / labels / f'ego_pose_gt_anno_{split}_public.json'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))  # with bare NaN
        truth[split] = joints
    return truth


def _labels(side, points, pixels, valid, lacking, test):
    box = np.r_[pixels.min(0) - 20, pixels.max(0) + 20].clip(0, 511)
    found = {f'{side}_hand_bbox': [] if lacking else box.tolist()}
    if test:
        return found
    known = np.where(valid[:, None] | (np.arange(21) == 0)[:, None], points, np.nan)
    return found | {f'{side}_hand_3d': [] if lacking else known.tolist(),
                    f'{side}_hand_2d': [] if lacking else pixels.tolist(),
                    f'{side}_hand_valid_3d': [] if lacking else valid.tolist()}
