"""rtmlib (RTMPose, Jiang et al. 2023): everybody in a picture, body, feet, hands."""
import numpy as np

from ...registry import DETECTORS
from .detection import Detection
from .install import load_package

ADVICE = 'pip install --no-deps rtmlib && pip install onnxruntime tqdm   (downloads weights, or takes det=, pose=)'
SOLUTIONS = dict(body=('Body', 'coco17'), body_with_feet=('BodyWithFeet', 'halpe26'), wholebody=('Wholebody', 'coco17'),
                 wholebody_hands=('Wholebody', 'hand21'), hand=('Hand', 'hand21'))
BODY, LEFT_HAND, RIGHT_HAND = slice(0, 17), slice(91, 112), slice(112, 133)  # of the 133 keypoints of COCO-WholeBody
MIN_CONFIDENCE = 0.3  # of the joints of a hand, on average; below it the person's hand is not in the picture


@DETECTORS.register_module('rtmlib')
class RTMLibDetector:
    """A solution of rtmlib. Where it finds nobody there is nobody: rtmlib itself takes the whole picture for a person.

    Args:
        kind: ``'body'``: 17 joints; ``'body_with_feet'``: 26; ``'wholebody'``: the 17 of it; ``'wholebody_hands'``:
            the hands of everybody, which are known to be left or right; ``'hand'``: hands, whose side is not known.
        options: of the solution: ``mode`` (``'lightweight'``, ``'balanced'``, ``'performance'``), ``backend``,
            ``device``, and ``det``, ``pose``: your own .onnx files.

    Raises:
        ValueError: unknown kind.
        ModuleNotFoundError: rtmlib is not installed.
    """

    def __init__(self, kind: str = 'body', **options):
        if kind not in SOLUTIONS:
            raise ValueError(f'kind={kind!r} should be one of {list(SOLUTIONS)}')
        name, self.skeleton = SOLUTIONS[kind]
        self.kind = kind
        self.solution = getattr(load_package('rtmlib', ADVICE), name)(**options)

    def __call__(self, image: np.ndarray, time: float) -> list[Detection]:
        """Everybody, or their hands."""
        bgr = np.ascontiguousarray(image[..., ::-1])  # rtmlib takes what OpenCV reads
        if getattr(self.solution, 'one_stage', False):
            keypoints, scores = self.solution.pose_model(bgr)
        else:
            boxes = self.solution.det_model(bgr)
            if boxes is None or not len(boxes):
                return []
            keypoints, scores = self.solution.pose_model(bgr, bboxes=boxes)
        keypoints, scores = np.asarray(keypoints, float), np.asarray(scores, float)
        if self.kind == 'wholebody_hands':
            return [Detection(points[part], score[part], right) for points, score in zip(keypoints, scores)
                    for part, right in ((LEFT_HAND, False), (RIGHT_HAND, True)) if score[part].mean() > MIN_CONFIDENCE]
        part = BODY if self.kind == 'wholebody' else slice(None)
        return [Detection(points[part], score[part]) for points, score in zip(keypoints, scores)]
