"""Augmentation of batches of 2D keypoints."""
from ...registry import TRANSFORMS


@TRANSFORMS.register_module()
class KeypointNoise:
    """Jitter and lost joints, drawn anew for each epoch, for models that should also work with worse detectors.

    A lost joint has all its channels 0, the confidence among them. Without a confidence channel the stream
    ``detected (B,T,J)`` tells, so that attention leaves it out.

    Args:
        jitter: standard deviation per axis, screen units (2 is the width of the image).
        drop: share of the joints that are lost.

    Raises:
        ValueError: a negative jitter, or a share outside of [0, 1).
    """

    def __init__(self, jitter: float = 0.0, drop: float = 0.0):
        if jitter < 0 or not 0 <= drop < 1:
            raise ValueError(f'KeypointNoise(jitter={jitter}, drop={drop}): jitter should be at least 0 and drop in '
                             '[0, 1)')
        self.jitter, self.drop = jitter, drop

    def __call__(self, batch: dict) -> dict:
        keypoints = batch['keypoints']  # (B,T,J,2|3)
        frames, joints, channels = keypoints.shape[1:]
        if self.jitter:
            keypoints[..., :2] += (self.jitter * batch['random'].normal(frames, joints, 2)).float()
        if self.drop:
            lost = batch['random'].uniform(frames, joints) < self.drop
            keypoints.masked_fill_(lost[..., None], 0)
            if channels == 2:
                batch['detected'] = ~lost & batch['detected'] if 'detected' in batch else ~lost
        return batch
