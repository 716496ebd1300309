"""Stand-ins with the interfaces of rtmlib 0.0.16 and mediapipe 0.10.21."""
from types import SimpleNamespace

import numpy as np


def fake_rtmlib(calls):
    """A module with ``Body``, ``Wholebody``, ...; ``calls`` gets the pictures and boxes that its networks see.

    Its detector finds a person for each column block whose blue channel is bright. The pose network takes the whole
    picture for a person if there is no box, as the real one does.
    """
    def det_model(image):
        calls.append(('det', image))
        return np.array([[100.0 * i, 0, 100 * i + 99, 99] for i in range(image.shape[1] // 100)
                         if image[:, 100 * i:100 * i + 100, 0].mean() > 128]).reshape(-1, 4)

    def solution(count):
        class Solution:
            def __init__(self, det=None, pose=None, mode='balanced', backend='onnxruntime', device='cpu'):
                calls.append(('options', dict(mode=mode, device=device, det=det)))
                self.one_stage, self.det_model = False, det_model

            def pose_model(self, image, bboxes=()):
                boxes = bboxes if len(bboxes) else [[0, 0, image.shape[1], image.shape[0]]]
                steps = np.linspace(0.1, 0.9, count)[:, None]
                points = np.stack([np.array(box[:2]) + steps * (np.array(box[2:]) - box[:2]) for box in boxes])
                scores = np.tile(np.linspace(0.2, 0.9, count), (len(boxes), 1))
                if count == 133:
                    scores[:, 91:112] = 0.1  # no left hand in the picture
                return points.astype(np.float32), scores.astype(np.float32)
        return Solution

    return SimpleNamespace(Body=solution(17), BodyWithFeet=solution(26), Wholebody=solution(133), Hand=solution(21))


def fake_mediapipe(people, log):
    """A module with ``solutions.pose.Pose`` and ``solutions.hands.Hands``.

    Args:
        people: ``(image, call number) -> list`` of landmarks ``(J,2)`` in shares of the image, in the order in which
            the real thing prefers them; of hands ``(landmarks, label)``.
        log: gets ``'reset'`` and the pictures.
    """
    class Network:
        def __init__(self, **options):
            self.options, self.count = options, -1
            log.append(options)

        def reset(self):
            log.append('reset')

        def _people(self, image):
            self.count += 1
            log.append(image)
            return people(image, self.count)

    def marks(points):
        return SimpleNamespace(landmark=[SimpleNamespace(x=x, y=y, visibility=0.9) for x, y in points])

    class Pose(Network):
        def process(self, image):
            found = self._people(image)
            return SimpleNamespace(pose_landmarks=marks(found[0]) if found else None)

    class Hands(Network):
        def process(self, image):
            found = self._people(image) or None
            return SimpleNamespace(
                multi_hand_landmarks=found and [marks(points) for points, _ in found],
                multi_handedness=found and [SimpleNamespace(classification=[SimpleNamespace(label=label, score=0.8)])
                                            for _, label in found])

    return SimpleNamespace(solutions=SimpleNamespace(pose=SimpleNamespace(Pose=Pose),
                                                     hands=SimpleNamespace(Hands=Hands)))
