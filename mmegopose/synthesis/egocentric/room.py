"""A room around a person: floor, ceiling and walls with windows, doors and pictures."""
import cv2
import numpy as np

_PIXELS = 160     # a metre of a wall has so many
_HEIGHT = 2.6     # metres, if the person stands no higher
_WOOD, _STONE = np.array([[150., 108, 72], [176, 176, 170]])


class Room:
    """A box with painted sides, seen from inside.

    Args:
        path: ``(T,3)`` places of the camera, metres, floor at z = 0; the room leaves space around them.
        seed: of size and paint.
    """

    def __init__(self, path: np.ndarray, seed: int):
        rng = np.random.default_rng(seed)
        self.low = np.array([*(path.min(0)[:2] - rng.uniform(1.6, 2.8, 2)), 0])
        self.high = np.array([*(path.max(0)[:2] + rng.uniform(1.6, 2.8, 2)), max(_HEIGHT, path[:, 2].max() + 0.5)])
        size = np.ceil((self.high - self.low) * _PIXELS).astype(int)
        paint = rng.uniform(190, 245) + rng.uniform(-18, 18, 3)
        walls = [_wall(rng, size[1 - axis], size[2], paint) for axis in (0, 0, 1, 1)]
        sides = [*walls, _floor(rng, size[0], size[1]), _plain(size[0], size[1], np.array([235., 234, 230]))]
        sides = [cv2.copyMakeBorder(_corners_dark(side), 2, 2, 2, 2, cv2.BORDER_REPLICATE) for side in sides]
        width = max(side.shape[1] for side in sides)
        # One picture of all sides, one under the other: x low, x high, y low, y high, floor, ceiling.
        self.paint = np.concatenate([np.pad(side, ((0, 0), (0, width - side.shape[1]), (0, 0))) for side in sides])
        self.top = np.cumsum([0, *(len(side) for side in sides[:-1])]).reshape(3, 2).astype(np.float32) + 2

    def draw(self, rays: np.ndarray, center: np.ndarray, body: np.ndarray) -> np.ndarray:
        """Picture ``(H,W,3)`` uint8 RGB of what ``rays (3,H,W)`` from ``center (3,)`` meet first.

        Args:
            rays: float32 directions in the world, of any length.
            body: ``(3,)`` what stands on the floor, and darkens it.
        """
        low, high, center, body = (part.astype(np.float32) for part in (self.low, self.high, center, body))
        inverse = 1 / np.where(rays == 0, np.float32(1e-9), rays)
        to_x, to_y, to_z = (np.maximum((high[axis] - center[axis]) * inverse[axis],
                                       (low[axis] - center[axis]) * inverse[axis]) for axis in range(3))
        distance = np.minimum(np.minimum(to_x, to_y), to_z)
        x, y, z = (rays * distance + (center - low)[:, None, None]) * np.float32(_PIXELS)
        first, level = distance == to_x, distance == to_z
        up_x, up_y, up_z = (np.where(ray > 0, *self.top[axis, ::-1]) for axis, ray in enumerate(rays))
        across = np.where(first, y, x) + 2
        along = np.where(level, y + up_z, z + np.where(first, up_x, up_y))
        image = cv2.remap(self.paint, across, along, cv2.INTER_LINEAR)
        foot = (body - low) * _PIXELS
        dark = level & (rays[2] < 0) & (np.abs(x - foot[0]) < 0.75 * _PIXELS) & (np.abs(y - foot[1]) < 0.75 * _PIXELS)
        near = ((x[dark] - foot[0]) ** 2 + (y[dark] - foot[1]) ** 2) / (0.12 * _PIXELS ** 2)
        image[dark] = (image[dark] * (1 - 0.45 * np.exp(-near))[:, None]).astype(np.uint8)
        return image


def _plain(width: int, height: int, color: np.ndarray) -> np.ndarray:
    return np.broadcast_to(color, (height, width, 3)).clip(0, 255).astype(np.uint8).copy()


def _floor(rng, width: int, height: int) -> np.ndarray:
    """Boards or tiles, each of its own brightness."""
    boards = rng.random() < 0.5
    tile = (_PIXELS * rng.uniform(1.2, 2), _PIXELS * rng.uniform(0.15, 0.25)) if boards else \
        (_PIXELS * rng.uniform(0.4, 0.7),) * 2
    column, row = (np.arange(side)[None] / step for side, step in zip((width, height), tile))
    row = row.T
    column = column + (0.37 * np.floor(row) if boards else 0)
    tone = rng.uniform(0.86, 1.06, (64, 64))[np.floor(row).astype(int) % 64, np.floor(column).astype(int) % 64]
    gap = np.minimum(column % 1 * tile[0], row % 1 * tile[1]) < 1.5
    color = (_WOOD if boards else _STONE) * rng.uniform(0.8, 1.1) + rng.uniform(-8, 8, 3)
    image = color * (tone * np.where(gap, 0.72, 1))[..., None]
    return cv2.GaussianBlur(image.clip(0, 255).astype(np.uint8), (0, 0), 1.2)


def _wall(rng, width: int, height: int, paint: np.ndarray) -> np.ndarray:
    """A wall upside down, as its lowest row is the first: skirting, and a window, a door, shelves or a picture."""
    image = _plain(width, height, paint * rng.uniform(0.92, 1))
    metre = float(_PIXELS)
    image[:round(0.09 * metre)] = (225, 222, 216)
    place = 0.4 * metre + rng.uniform(0, 0.5) * metre
    while place + 1.2 * metre < width - 0.2 * metre:
        kind, wide = rng.choice(['window', 'door', 'picture', 'shelf']), rng.uniform(0.8, 1.2) * metre
        bottom, top = dict(window=(0.9, 2.0), door=(0, 2.02), picture=(1.2, 1.8),
                           shelf=(0, rng.uniform(0.8, 1.9)))[kind]
        box = [round(value) for value in (place, bottom * metre, place + wide, top * metre)]
        _panel(image, box, (240, 240, 238) if kind != 'shelf' else (120, 88, 60))
        inner = [box[0] + 9, box[1] + (0 if kind == 'door' else 9), box[2] - 9, box[3] - 9]
        if kind == 'window':
            _sky(image, inner)
        elif kind == 'door':
            _panel(image, inner, rng.uniform(120, 210) * np.array([1, 0.86, 0.7]))
            cv2.circle(image, (inner[0] + 14, round(1.02 * metre)), 5, (70, 70, 75), -1, cv2.LINE_AA)
        elif kind == 'picture':
            small = (rng.uniform(60, 220, (3, 4, 1)) + rng.uniform(-50, 50, (3, 4, 3))).clip(0, 255).astype(np.uint8)
            image[inner[1]:inner[3], inner[0]:inner[2]] = cv2.resize(
                small, (inner[2] - inner[0], inner[3] - inner[1]), interpolation=cv2.INTER_CUBIC)
        else:
            _books(rng, image, inner)
        place += wide + rng.uniform(0.3, 1.0) * metre
    return cv2.GaussianBlur(image, (0, 0), 1.0)


def _panel(image: np.ndarray, box: list, color) -> None:
    cv2.rectangle(image, box[:2], box[2:], tuple(float(c) for c in color), -1, cv2.LINE_AA)


def _sky(image: np.ndarray, box: list) -> None:
    left, bottom, right, top = box
    share = np.linspace(0, 1, top - bottom)[:, None, None]
    image[bottom:top, left:right] = (1 - share) * np.array([214, 226, 222]) + share * np.array([150, 190, 235])
    middle = (left + right) // 2
    image[bottom:top, middle - 4:middle + 4] = 240


def _books(rng, image: np.ndarray, box: list) -> None:
    left, bottom, right, top = box
    image[bottom:top, left:right] = (62, 44, 30)
    for level in range(bottom, top - 30, 56):
        image[level:level + 6, left:right] = (120, 88, 60)
        book = left + 2
        while book < right - 12:
            wide, tall = int(rng.integers(5, 11)), int(rng.integers(26, 44))
            if rng.random() < 0.85:
                color = rng.uniform(60, 190) + rng.uniform(-45, 45, 3)
                image[level + 6:min(level + 6 + tall, top), book:book + wide - 1] = color
            book += wide


def _corners_dark(image: np.ndarray) -> np.ndarray:
    """Less light where walls meet."""
    rows, columns = (np.minimum(np.arange(side), np.arange(side)[::-1]) / _PIXELS for side in image.shape[:2])
    light = (1 - 0.3 * np.exp(-rows / 0.35))[:, None] * (1 - 0.3 * np.exp(-columns / 0.35))[None]
    return (image * light[..., None]).astype(np.uint8)
