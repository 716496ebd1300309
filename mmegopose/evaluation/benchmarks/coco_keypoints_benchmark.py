"""How COCO scores 2D keypoints: average precision and recall over thresholds of the object keypoint similarity.

Lin et al., ECCV 2014; the numbers come from the official COCOeval, of xtcocotools where it loads, else of pycocotools.
"""
import contextlib
import io
from collections.abc import Sequence

import numpy as np

from ...compat import coco_api

STATS = ('AP', 'AP50', 'AP75', 'AP_medium', 'AP_large', 'AR', 'AR50', 'AR75', 'AR_medium', 'AR_large')
"""Results of COCOeval in its order; medium and large are instances of 32^2 to 96^2 pixels, and above."""

CATEGORY = 1  # COCO's number of the person, the only category with keypoints


def coco_annotations(image: np.ndarray, keypoints: np.ndarray, area: np.ndarray | None = None) -> dict:
    """Labelled instances as the content of an annotation file of COCO.

    Args:
        image: ``(n,)`` number of the image of each instance.
        keypoints: ``(n,J,3)`` pixels x, y, and 0: not labelled; COCO's 1 and 2, hidden and visible, count alike.
        area: ``(n,)`` pixels squared; without it, that of the tight box around the labelled keypoints.
    """
    labelled = keypoints[..., 2:] > 0
    low = np.where(labelled, keypoints[..., :2], np.inf).min(1)              # (n,2)
    size = np.where(labelled, keypoints[..., :2], -np.inf).max(1) - low
    area = size.prod(-1) if area is None else area
    annotations = [dict(
        id=number, image_id=int(image[i]), category_id=CATEGORY, iscrowd=0, keypoints=keypoints[i].ravel().tolist(),
        num_keypoints=int(labelled[i].sum()), area=float(area[i]), bbox=[*low[i].tolist(), *size[i].tolist()])
        for i, number in enumerate(range(1, len(image) + 1))]  # COCOeval takes the number 0 for "no match"
    return dict(images=[dict(id=int(number)) for number in np.unique(image)], annotations=annotations,
                categories=[dict(id=CATEGORY, name='instance')])


def coco_results(image: np.ndarray, keypoints: np.ndarray, confidence: np.ndarray, score: np.ndarray) -> list[dict]:
    """Predicted instances as the content of a result file of COCO.

    Args:
        image: ``(n,)`` number of the image of each instance.
        keypoints: ``(n,J,2)`` pixels.
        confidence: ``(n,J)`` of the keypoints.
        score: ``(n,)`` of the instances, which decides their order.
    """
    rows = np.concatenate([keypoints, confidence[..., None]], -1)            # (n,J,3)
    return [dict(image_id=int(number), category_id=CATEGORY, keypoints=row.ravel().tolist(), score=float(value))
            for number, row, value in zip(image, rows, score)]


def score_coco_keypoints(annotations: dict | str, results: Sequence[dict], sigmas: Sequence[float]) -> dict[str, float]:
    """The official :data:`STATS`, in [0,1]; what has no instance is left out.

    Args:
        annotations: content of an annotation file, or its path.
        results: content of a result file.
        sigmas: constant of each keypoint, ``Skeleton.oks_sigmas``.

    Raises:
        ValueError: a result is of an image that the annotations do not have.
    """
    COCO, COCOeval = coco_api()
    with contextlib.redirect_stdout(io.StringIO()):  # the API prints what it does
        if isinstance(annotations, dict):
            truth = COCO()
            truth.dataset = annotations
            truth.createIndex()
        else:
            truth = COCO(str(annotations))
        strange = sorted({row['image_id'] for row in results} - set(truth.getImgIds()))
        if strange:
            raise ValueError(f'{len(strange)} images of the results are not among the {len(truth.getImgIds())} of the '
                             f'annotations: {strange[:5]}')
        # The API writes into the rows that it gets.
        evaluation = COCOeval(truth, truth.loadRes([dict(row) for row in results]), 'keypoints')
        evaluation.sigmas = evaluation.params.kpt_oks_sigmas = np.asarray(sigmas)  # xtcocotools, pycocotools
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return {name: float(value) for name, value in zip(STATS, evaluation.stats) if value >= 0}
