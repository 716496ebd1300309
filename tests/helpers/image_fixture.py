"""Tiny image data sets in the official formats, and the numbers that were written."""
import io
import json
import pickle
import tarfile

import cv2
import numpy as np

FLIP_YZ = np.array([1.0, -1.0, -1.0])
MANO_TO_21 = (0, 13, 14, 15, 16, 1, 2, 3, 17, 4, 5, 6, 18, 10, 11, 12, 19, 7, 8, 9, 20)


def hand_points(rng, count=1, depth=0.5):
    """Hands of about 10 cm in front of a camera, ``(count,21,3)`` metres."""
    return rng.uniform(-0.05, 0.05, (count, 21, 3)) + [0, 0, depth]


def intrinsics(width, height, focal):
    return np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])


def project(points, matrix):
    image = points @ matrix.T
    return image[..., :2] / image[..., 2:]


def write_image(path, width, height, rng):
    """A smooth picture, so that JPEG keeps it nearly as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    small = rng.integers(0, 255, (6, 8, 3), np.uint8)
    cv2.imwrite(str(path), cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC))


def write_json(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, default=lambda value: value.tolist()))


def write_pickle(path, content, protocol=2):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(content, protocol))


class Malicious:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, 'w')


def write_freihand(root, count=3):
    rng = np.random.default_rng(0)
    truth = {}
    for split, versions in (('training', 4), ('evaluation', 1)):
        xyz, matrix = hand_points(rng, count), np.stack([intrinsics(224, 224, 480 + i) for i in range(count)])
        mano = rng.normal(0, 0.3, (count, 1, 61))
        truth[split] = dict(xyz=xyz, K=matrix, mano=mano)
        for name, values in truth[split].items():
            write_json(root / f'{split}_{name}.json', values)
        for index in range(count * versions):
            write_image(root / split / 'rgb' / f'{index:08d}.jpg', 224, 224, rng)
    truth['evaluation']['verts'] = rng.uniform(-0.1, 0.1, (count, 778, 3))
    write_json(root / 'evaluation_verts.json', truth['evaluation']['verts'])
    truth['hands_mean'] = rng.normal(0, 0.3, 45)
    write_pickle(root / 'MANO_RIGHT.pkl', dict(hands_mean=truth['hands_mean']))
    return truth


def write_ho3d(root, frames=4, suffix='.jpg'):
    """Two videos; rows of ``train.txt`` are not in the order of time. Returns labels by name, OpenCV axes, 21 order."""
    rng, truth = np.random.default_rng(1), {}
    matrix = intrinsics(640, 480, 600)
    names = {'train': [f'{video}/{frame:04d}' for frame in range(frames) for video in ('MC1', 'ABF2')][::-1],
             'evaluation': [f'SM1/{frame:04d}' for frame in range(frames)]}
    for split, rows in names.items():
        (root / f'{split}.txt').parent.mkdir(parents=True, exist_ok=True)
        (root / f'{split}.txt').write_text('\n'.join(rows) + '\n')
        for name in rows:
            joints = hand_points(rng)[0]
            mano = np.empty((21, 3))
            mano[list(MANO_TO_21)] = joints * FLIP_YZ
            video, number = name.split('/')
            meta = dict(camMat=matrix, objName='mug', objTrans=rng.normal(size=3))
            truth[name] = dict(joints=joints, keypoints=project(joints, matrix))
            if split == 'train':
                meta |= dict(handJoints3D=mano, handPose=rng.normal(0, 0.4, 48), handBeta=rng.normal(size=10))
                truth[name] |= dict(pose=meta['handPose'], betas=meta['handBeta'])
            else:
                box = [200, 150, 440, 330]
                meta |= dict(handJoints3D=mano[0], handBoundingBox=box)
                truth[name] |= dict(mano=mano, box=box)
            write_pickle(root / split / video / 'meta' / f'{number}.pkl', meta)
            write_image(root / split / video / 'rgb' / f'{number}{suffix}', 640, 480, rng)
    return truth


def write_ho3d_truth(root, truth):
    """The labels of the evaluation split that came out in 2024."""
    rows = (root / 'evaluation.txt').read_text().split()
    write_json(root / 'evaluation_xyz.json', [truth[name]['mano'] for name in rows])
    vertices = np.random.default_rng(2).normal(size=(len(rows), 778, 3))
    write_json(root / 'evaluation_verts.json', vertices)
    return vertices


def write_hint(root, split='TEST', subset='newdays_img', count=3):
    rng, truth = np.random.default_rng(3), {}
    for index in range(count):
        name = f'ND_video_frame{index:06d}_{"lr"[index % 2]}'
        points = rng.uniform(60, 200, (21, 2))
        truth[name] = dict(keypoints=points, occlusion=rng.integers(0, 2, 21), box=[50, 55, 210, 205])
        folder = root / f'{split}_{subset}'
        write_json(folder / f'{name}.json', [dict(keypoints=points, occlusion=truth[name]['occlusion'],
                                                  bbox=[truth[name]['box']])])
        write_image(folder / f'{name}.jpg', 320, 240, rng)
    return truth


def hamer_rows(count=4):
    rng = np.random.default_rng(4)
    points = hand_points(rng, count)
    pixels = project(points, intrinsics(320, 240, 400))
    return dict(
        center=pixels.mean(1), scale=np.full((count, 2), [90.0, 110.0]), right=np.array([1.0, 0.0] * (count // 2)),
        hand_pose=rng.normal(0, 0.3, (count, 48)), betas=rng.normal(0, 0.5, (count, 10)),
        has_hand_pose=np.array([1.0, 1.0, 0.0, 1.0][:count]), has_betas=np.array([1.0, 1.0, 0.0, 1.0][:count]),
        hand_keypoints_2d=np.concatenate([pixels, np.ones((count, 21, 1))], -1),
        hand_keypoints_3d=np.concatenate([points, np.ones((count, 21, 1))], -1))


def write_hamer_npz(root, objects=False):
    """``objects``: image names and extra information as pickled objects, as in HaMeR's own files."""
    rows, rng = hamer_rows(), np.random.default_rng(5)
    names = [f'images/{index:04d}.jpg' for index in range(4)]
    for name in names:
        write_image(root / name, 320, 240, rng)
    more = dict(extra_info=np.array([{}] * 4, object)) if objects else {}
    np.savez(root / 'hands.npz', imgname=np.array(names, object if objects else str), **rows, **more)
    return dict(rows, imgname=names)


def write_hamer_tar(root):
    """Two shards; the first key of the first has two hands."""
    rows, rng = hamer_rows(), np.random.default_rng(6)
    root.mkdir(parents=True, exist_ok=True)
    hands = [dict(keypoints_2d=rows['hand_keypoints_2d'][i], keypoints_3d=rows['hand_keypoints_3d'][i],
                  center=rows['center'][i], scale=rows['scale'][i] / 200, hand_pose=rows['hand_pose'][i],
                  betas=rows['betas'][i], right=rows['right'][i], has_hand_pose=rows['has_hand_pose'][i],
                  has_betas=rows['has_betas'][i],
                  extra_info=dict(fitting_loss=np.array(dict(reprojection_loss=12.0)))) for i in range(4)]
    images = []
    for shard, keys in (('000000.tar', [('a/0001', hands[:2]), ('a/0002', hands[2:3])]),
                        ('000001.tar', [('b.x/0003', hands[3:])])):
        entries = []
        for key, people in keys:
            write_image(root / 'image.jpg', 320, 240, rng)
            images.append((root / 'image.jpg').read_bytes())
            entries += [(f'{key}.data.pyd', pickle.dumps(people)), (f'{key}.jpg', images[-1])]
        write_tar(root / shard, entries)
    (root / 'image.jpg').unlink()
    return rows, images


def write_tar(path, entries):
    with tarfile.open(path, 'w') as archive:
        for name, content in entries:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def camera_path(rng, frames):
    """World to camera, ``(frames,4,4)``, that looks at the origin's surroundings."""
    cameras = np.tile(np.eye(4), (frames, 1, 1))
    for camera in cameras:
        camera[:3, :3] = cv2.Rodrigues(rng.normal(0, 0.1, 3))[0] @ np.diag([1, -1, -1])
        camera[:3, 3] = [0, 0, 4]
    return cameras


def write_pw3d(root, frames=5):
    rng, people = np.random.default_rng(7), 2
    cameras = camera_path(rng, frames)
    valid = np.ones((people, frames), int)
    valid[1, 2] = 0
    truth = dict(
        sequence='downtown_x_00', genders=['m', 'f'], cam_poses=cameras, cam_intrinsics=intrinsics(540, 960, 900),
        poses=[rng.normal(0, 0.2, (frames, 72)) for _ in range(people)],
        betas=[rng.normal(0, 1, 10) for _ in range(people)], trans=[rng.normal(0, 0.1, (frames, 3))] * people,
        jointPositions=[rng.uniform(-0.7, 0.7, (frames, 72)) for _ in range(people)],
        campose_valid=list(valid), poses2d=[np.zeros((frames, 3, 18))] * people, img_frame_ids=np.arange(frames))
    write_pickle(root / 'sequenceFiles' / 'test' / 'downtown_x_00.pkl', truth)
    for frame in range(frames):
        write_image(root / 'imageFiles' / 'downtown_x_00' / f'image_{frame:05d}.jpg', 540, 960, rng)
    return truth


def write_emdb(root, frames=5):
    rng = np.random.default_rng(8)
    good = np.ones(frames, bool)
    good[1] = False
    boxes = np.tile([100.0, 200, 300, 700], (frames, 1))
    truth = dict(
        gender='female', name='P0_09_walk', emdb1=True, emdb2=False, n_frames=frames, good_frames_mask=good,
        camera=dict(intrinsics=intrinsics(540, 960, 900), extrinsics=camera_path(rng, frames), width=540, height=960),
        smpl=dict(poses_root=rng.normal(0, 0.3, (frames, 3)), poses_body=rng.normal(0, 0.2, (frames, 69)),
                  trans=rng.normal(0, 0.2, (frames, 3)), betas=rng.normal(0, 1, 10)),
        kp2d=rng.uniform(150, 650, (frames, 24, 2)) * [0.5, 1],
        bboxes=dict(bboxes=boxes, invalid_idxs=np.array([1, 3])))
    write_pickle(root / 'P0' / '09_walk' / 'P0_09_walk_data.pkl', truth, protocol=4)
    for frame in range(frames):
        write_image(root / 'P0' / '09_walk' / 'images' / f'{frame:05d}.jpg', 540, 960, rng)
    return truth


def write_coco_wholebody(root, split='train'):
    rng = np.random.default_rng(9)

    def hand():
        points = np.concatenate([rng.uniform(80, 160, (21, 2)), rng.uniform(0.1, 2, (21, 1))], 1)
        return points, [75.0, 78.0, 90.0, 85.0]

    people = []
    for index, valid in enumerate([(True, True), (False, True)]):
        person = dict(id=index, image_id=10 + index, iscrowd=0)
        for side, good in zip(('left', 'right'), valid):
            points, box = hand() if good else (np.zeros((21, 3)), [0.0] * 4)
            person |= {f'{side}hand_kpts': points.ravel(), f'{side}hand_box': box, f'{side}hand_valid': good}
        people.append(person)
    images = [dict(id=10 + i, file_name=f'{i:012d}.jpg', width=320, height=240) for i in range(2)]
    write_json(root / 'annotations' / f'coco_wholebody_{split}_v1.0.json', dict(images=images, annotations=people))
    for image in images:
        write_image(root / f'{split}2017' / image['file_name'], 320, 240, rng)
    return people
