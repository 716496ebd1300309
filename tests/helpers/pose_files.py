"""2D poses of two people, and files of them in the exact layouts of detectors."""
import json

import numpy as np

SIZE = (1280, 720)
NUM_FRAMES = 24


def people(num_joints=17, seed=0):
    """Two people in a video: ``keypoints (N,2,J,2)`` pixels, ``scores (N,2,J)``, ``there (N,2)``, ``seen (N,2,J)``.

    They walk towards each other but do not meet; the second is absent in frames 5, 6 and the last two, nobody is there
    in frame 9; some joints are not seen.
    """
    random = np.random.default_rng(seed)
    shape = random.uniform(-1, 1, (2, num_joints, 2)) * (60, 180)
    time = np.arange(NUM_FRAMES)[:, None, None, None]
    place = np.array([[[[300., 360]], [[900., 340]]]]) + time * np.array([[[[4., 0]], [[-5., 1]]]])
    keypoints = np.round(place + shape + random.normal(0, 1, (NUM_FRAMES, 2, num_joints, 2)), 3)
    scores = np.round(random.uniform(.3, .95, (NUM_FRAMES, 2, num_joints)), 4)
    there = np.ones((NUM_FRAMES, 2), bool)
    there[[5, 6, -2, -1], 1] = there[9] = False
    seen = random.random((NUM_FRAMES, 2, num_joints)) > .1
    return keypoints, scores, there, seen


def flat(keypoints, scores, seen):
    """x, y, c of each joint in a row; zeros where it is not seen."""
    values = np.concatenate([keypoints, scores[:, None]], 1)
    return np.where(seen[:, None], values, 0).ravel().tolist()


def write_npz(path, keypoints, scores, there, seen, **more):
    mask = there[..., None] & seen
    keypoints, scores = np.where(mask[..., None], keypoints, np.nan), np.where(mask, scores, np.nan)
    np.savez(path, keypoints=keypoints, scores=scores, **more)
    return path


def write_mmpose(path, keypoints, scores, there, seen, key=None):
    """``pred_out_dir`` of a video; mmpose nests the box once too often, and knows no missing joint but by its score."""
    frames = []
    for n in range(len(keypoints)):
        instances = [dict(keypoints=keypoints[n, p].tolist(), keypoint_scores=np.where(
            seen[n, p], scores[n, p], 0).tolist(), bbox=[[0.0, 0.0, 10.0 + p, 20.0]], bbox_score=0.5) for p in range(2)
            if there[n, p]]
        frames.append(dict(frame_id=n, instances=instances))
    path.write_text(json.dumps({key: frames, 'meta_info': {}} if key else frames))
    return path


def write_mmpose_images(folder, *people_of):
    folder.mkdir()
    for frame in json.loads(write_mmpose(folder / 'all.json', *people_of).read_text()):
        (folder / f'img_{frame["frame_id"] + 1}.json').write_text(json.dumps(frame['instances']))
    (folder / 'all.json').unlink()
    return folder


def write_openpose(folder, keypoints, scores, there, seen, first=0, ids=False):
    folder.mkdir()
    for n in range(len(keypoints)):
        found = [dict(person_id=[p if ids else -1], pose_keypoints_2d=flat(keypoints[n, p], scores[n, p], seen[n, p]),
                      face_keypoints_2d=[], hand_left_keypoints_2d=[], hand_right_keypoints_2d=[])
                 for p in range(2) if there[n, p]]
        (folder / f'video_{n + first:012d}_keypoints.json').write_text(json.dumps(dict(version=1.3, people=found)))
    return folder


def write_alphapose(path, keypoints, scores, there, seen, nested=False):
    """One list, an entry for each person in a frame; sorted as text, as the program sorts it; box with the corner."""
    rows = [dict(image_id=f'{n}.jpg', category_id=1, keypoints=flat(keypoints[n, p], scores[n, p], seen[n, p]),
                 score=2.5, box=[0.0, 0.0, 10.0, 20.0], idx=[p + 1] if nested else p + 1)
            for n in sorted(range(len(keypoints)), key=str) for p in range(2) if there[n, p]]
    path.write_text(json.dumps(rows))
    return path


def write_coco_results(path, keypoints, scores, there, seen):
    rows = [dict(image_id=1000 + n, category_id=1, keypoints=flat(keypoints[n, p], scores[n, p], seen[n, p]), score=.7)
            for n in range(len(keypoints)) for p in range(2) if there[n, p]]
    path.write_text(json.dumps(rows))
    return path


def write_coco_annotations(path, keypoints, there, seen):
    images = [dict(id=77 - n, file_name=f'frame_{n}.jpg', width=SIZE[0], height=SIZE[1]) for n in range(len(keypoints))]
    rows = [dict(id=2 * n + p, image_id=77 - n, track_id=p, bbox=[1., 2., 3., 4.], keypoints=flat(
        keypoints[n, p], np.full(len(seen[n, p]), 2.), seen[n, p])) for n in range(len(keypoints)) for p in range(2)
        if there[n, p]]
    path.write_text(json.dumps(dict(images=images, annotations=rows, categories=[])))
    return path


def write_mediapipe(path, keypoints, scores, there, kind='dicts'):
    """The first person only: the program follows one."""
    frames = []
    for n in range(len(keypoints)):
        marks = np.concatenate([keypoints[n, 0] / SIZE, np.zeros((33, 1)), scores[n, 0][:, None]], 1)
        points = [dict(zip(('x', 'y', 'z', 'visibility'), mark)) for mark in marks.tolist()] if kind == 'dicts' else \
            marks.tolist()
        frames.append((dict(pose_landmarks=points) if kind == 'named' else points) if there[n, 0] else None)
    path.write_text(json.dumps(frames))
    return path


def write_ultralytics(folder, keypoints, scores, there, seen, box_score=False, ids=False, with_scores=True):
    """One text file a frame from 1 on, none where nobody is."""
    folder.mkdir()
    for n in range(len(keypoints)):
        lines = []
        for p in np.flatnonzero(there[n]):
            marks = np.where(seen[n, p][:, None], np.concatenate([keypoints[n, p] / SIZE, scores[n, p][:, None]], 1), 0)
            marks = marks if with_scores else marks[:, :2]
            values = [0, .5, .5, .1, .2, *marks.ravel().tolist()] + [.8] * box_score + [int(p) + 1] * ids
            lines.append(' '.join(f'{value:.9g}' for value in values))
        if lines:
            (folder / f'clip_{n + 1}.txt').write_text('\n'.join(lines) + '\n')
    return folder


def write_ultralytics_json(path, keypoints, scores, there, seen):
    def person(n, p):
        marks = np.where(seen[n, p][:, None], np.concatenate([keypoints[n, p], scores[n, p][:, None]], 1), 0)
        return {'name': 'person', 'class': 0, 'confidence': .6, 'track_id': int(p) + 1, 'box': dict(
            x1=1.0, y1=2.0, x2=30.0, y2=40.0), 'keypoints': dict(zip(('x', 'y', 'visible'), marks.T.tolist()))}

    path.write_text(json.dumps([[person(n, p) for p in range(2) if there[n, p]] for n in range(len(keypoints))]))
    return path


def write_videopose3d(path, keypoints, there, size=SIZE):
    """``prepare_data_2d_custom.py``: one person, filled frames, no confidence."""
    positions = {'clip.mp4': {'custom': [keypoints[:, 0].astype(np.float32)]}}
    metadata = dict(layout_name='coco', num_joints=17, keypoints_symmetry=[[1], [2]], video_metadata={
        'clip.mp4': dict(w=size[0], h=size[1])})
    np.savez(path, positions_2d=np.array(positions, object), metadata=np.array(metadata, object))
    return path


def write_detectron(path, keypoints, scores, there):
    """``infer_video_d2.py``: arrays by class for each frame, x, y, logit and probability in rows."""
    boxes, poses = np.empty(len(keypoints), object), np.empty(len(keypoints), object)
    for n in range(len(keypoints)):
        found = np.flatnonzero(there[n])
        boxes[n] = [[], np.array([[0, 0, 9, 9, .9]] * len(found), np.float32)] if len(found) else []
        marks = [np.stack([*keypoints[n, p].T, np.zeros(17), scores[n, p]]) for p in found]
        poses[n] = [[], np.array(marks, np.float32)] if len(found) else []
    np.savez(path, boxes=boxes, keypoints=poses, segments=np.empty(len(keypoints), object), metadata=np.array(
        dict(w=SIZE[0], h=SIZE[1]), object))
    return path
