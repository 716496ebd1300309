"""2D poses that the user's detector found, matched to the rows of a data set."""
from pathlib import Path

import numpy as np
from mmengine.logging import MMLogger

from ....files import BadFile, read_json, require
from ....npz import read_arrays
from ...store import SequenceStore


def read_detections(path: str | Path, store: SequenceStore) -> np.ndarray:
    """Detected keypoints of each row, ``(N,J,3)`` pixels and confidence; zeros where nothing was found.

    An ``.npz`` has the arrays ``image (M,)``, names as in the field ``file``; ``keypoints (M,J,3)``: x, y in pixels of
    the image and confidence in [0,1]; and for hands ``right (M,)`` bool. A ``.json`` is the list of M dicts
    ``{"image": "a/0001.jpg", "right": true, "keypoints": [[x, y, confidence], ...]}``. Joints are those of the data
    set, in its order; a joint that the detector does not know has confidence 0. A row takes, of the detections in its
    image and of its side, the one whose centre is nearest to that of its box, unless it is outside of the box.

    Raises:
        FileNotFoundError: no such file.
        BadFile: not of this layout, or none of its images is in the data set.
    """
    path = require(path, 'detections should be the .npz or .json file with the 2D poses of your detector')
    frames, hands = store.frames, store.info['kind'] == 'hand'
    files, boxes = frames['file'].tolist(), frames['box']
    images, keypoints, right = _read(path, frames['keypoints'].shape[1])
    found = np.zeros(frames['keypoints'].shape, np.float32)
    known = keypoints[..., 2:] > 0
    centers = (keypoints[..., :2] * known).sum(1) / np.maximum(known.sum(1), 1)              # (M,2)
    by_image = {}
    for place, (image, side) in enumerate(zip(images, right.tolist())):
        if known[place].any():
            by_image.setdefault((image, side if hands else True), []).append(place)
    sides = frames['right'].tolist() if hands else [True] * len(files)
    for row, (image, side) in enumerate(zip(files, sides)):
        places = by_image.get((image, side), [])
        if places:
            away = np.abs(centers[places] - boxes[row, :2])                            # (P,2)
            best = int((away ** 2).sum(1).argmin())
            if (away[best] <= boxes[row, 2:]).all():
                found[row] = keypoints[places[best]]
    matched = int((found[..., 2] > 0).any(1).sum())
    if not matched:
        raise BadFile(f'{path} has no detection for any of the {len(files)} rows of {store.info["root"]}; its images '
                      f'are named like {images[:2]}, those of the data set like {files[:2]}')
    MMLogger.get_current_instance().info(f'{path}: 2D poses for {matched} of {len(files)} rows')
    return found


def _read(path: Path, num_joints: int):
    """Names ``(M,)``, finite keypoints ``(M,J,3)`` and sides ``(M,)`` of a file."""
    try:
        if path.suffix == '.json':
            rows = read_json(path, list)
            content = {key: [row[key] for row in rows] for key in ('image', 'keypoints')}
            content['right'] = [row.get('right', True) for row in rows]
        else:
            content = read_arrays(path)
        keypoints = np.array(content['keypoints'], np.float32)
        if keypoints.ndim != 3 or keypoints.shape[1:] != (num_joints, 3):
            raise ValueError(f'keypoints are {keypoints.shape} and should be (any, {num_joints}, 3)')
        images = [str(image) for image in content['image']]
        right = np.broadcast_to(np.asarray(content.get('right', True), bool), len(images))
        if len(images) != len(keypoints):
            raise ValueError(f'{len(images)} images for {len(keypoints)} poses')
    except BadFile:
        raise
    except Exception as error:  # numpy raises what the zip and npy layers raise
        raise BadFile(f'{path} is no file of detections ({type(error).__name__}: {error}); see read_detections') \
            from None
    good = np.isfinite(keypoints).all(-1, keepdims=True)
    keypoints = np.where(good, keypoints, 0)
    keypoints[..., 2] = keypoints[..., 2].clip(0, 1)
    return images, keypoints, right
