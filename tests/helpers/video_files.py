"""Small videos, and mp4 files whose boxes are changed: rotation, times of the frames."""
import struct

import cv2
import numpy as np


def numbered_frames(count, width=64, height=48, seed=0):
    """Smooth pictures RGB whose number stands in them as eight black or white squares along the top."""
    rng = np.random.default_rng(seed)
    frames = []
    for number in range(count):
        small = rng.integers(60, 200, (3, 4, 3), np.uint8)
        frame = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
        for bit in range(8):
            frame[:8, 8 * bit:8 * bit + 8] = 255 * (number >> bit & 1)
        frames.append(frame)
    return frames


def number_in(frame):
    """The number that :func:`numbered_frames` wrote; None if the squares are neither black nor white."""
    bits = [frame[2:6, 8 * bit + 2:8 * bit + 6].mean() for bit in range(8)]
    if any(60 < value < 195 for value in bits):
        return None
    return sum(1 << bit for bit, value in enumerate(bits) if value > 128)


def write_video(path, frames, fps=30.0, codec='mp4v'):
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), fps, (width, height))
    assert writer.isOpened()
    for frame in frames:
        writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    writer.release()
    return path


def turn_mp4(path):
    """Say in the header that the pictures are to be turned by 90 degrees clockwise, as phones do."""
    content = bytearray(path.read_bytes())
    place = content.index(b'tkhd') + 4
    matrix = place + (52 if content[place] == 1 else 40)
    content[matrix:matrix + 36] = struct.pack('>9i', 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    path.write_bytes(content)


def time_mp4(path, steps):
    """Give each frame its own duration, in units of the file (1/15360 s of a video of 30 frames a second).

    The index stands at the end of what OpenCV writes, so the frames keep their places.
    """
    content = path.read_bytes()
    start = content.index(b'stts') - 4
    size = struct.unpack('>I', content[start:start + 4])[0]
    table = struct.pack('>I4sII', 16 + 8 * len(steps), b'stts', 0, len(steps))
    table += b''.join(struct.pack('>II', 1, int(step)) for step in steps)
    content = bytearray(content)
    if b'elst' in content:  # the edit list ends where the frames ended before
        place = content.index(b'elst') + 12
        content[place:place + 4] = struct.pack('>I', 10 ** 6)
    grown, content = len(table) - size, bytearray(content[:start] + table + content[start + size:])
    for name in (b'moov', b'trak', b'mdia', b'minf', b'stbl'):
        box = content.index(name) - 4
        assert box > content.index(b'mdat')
        content[box:box + 4] = struct.pack('>I', struct.unpack('>I', content[box:box + 4])[0] + grown)
    path.write_bytes(content)
