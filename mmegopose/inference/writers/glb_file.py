"""The container of glTF 2.0 in one binary file (GLB)."""
import json
import struct
from pathlib import Path

import numpy as np

from ... import __version__
from ...files import atomic_write

TYPES = {(): 'SCALAR', (2,): 'VEC2', (3,): 'VEC3', (4,): 'VEC4', (4, 4): 'MAT4'}
COMPONENTS = {'f4': 5126, 'u1': 5121, 'u2': 5123, 'u4': 5125}
ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963
MAX_BYTES = 0xffffffff


class GlbFile:
    """A scene that grows: nodes, skins, meshes, cameras and one animation.

    Attributes:
        content: the JSON part, with lists that callers append to.
    """

    def __init__(self):
        self.content: dict = dict(asset=dict(version='2.0', generator=f'mmegopose {__version__}'), scene=0,
                                  scenes=[dict(nodes=[])])
        self._parts: list[bytes] = []
        self._size = 0
        self._channels: list[dict] = []
        self._samplers: list[dict] = []

    def add(self, kind: str, **item) -> int:
        """Append to a list of the document, e.g. ``nodes``; returns the place in it."""
        entries = self.content.setdefault(kind, [])
        entries.append({key: value for key, value in item.items() if value is not None})
        return len(entries) - 1

    def add_root(self, node: int) -> None:
        """Make a node one of the scene."""
        self.content['scenes'][0]['nodes'].append(node)

    def accessor(self, values: np.ndarray, dtype: str = 'f4', target: int | None = None, bounds: bool = False) -> int:
        """Store an array ``(n, ...)``; matrices ``(n,4,4)`` are given by rows, as everywhere in numpy."""
        values = np.ascontiguousarray(values.swapaxes(1, 2) if values.shape[1:] == (4, 4) else values, f'<{dtype}')
        limits = dict(min=np.atleast_1d(values.min(0)).tolist(), max=np.atleast_1d(values.max(0)).tolist()) \
            if bounds else {}
        view = self.add('bufferViews', buffer=0, byteOffset=self._size, byteLength=values.nbytes, target=target)
        self._parts.append(values.tobytes() + b'\0' * (-values.nbytes % 4))
        self._size += len(self._parts[-1])
        return self.add('accessors', bufferView=view, componentType=COMPONENTS[dtype], count=len(values),
                        type=TYPES[values.shape[1:]], **limits)

    def animate(self, node: int, path: str, time: int, values: np.ndarray, interpolation: str = 'LINEAR') -> None:
        """Move a node.

        Args:
            path: ``translation``, ``rotation`` (quaternions x, y, z, w) or ``scale``.
            time: accessor of the times.
        """
        self._samplers.append(dict(input=time, output=self.accessor(values), interpolation=interpolation))
        self._channels.append(dict(sampler=len(self._samplers) - 1, target=dict(node=node, path=path)))

    def save(self, path: Path) -> None:
        """Write the file. Raises ``ValueError`` if it is larger than a GLB may be."""
        content = dict(self.content)
        if self._channels:
            content['animations'] = [dict(name='motion', samplers=self._samplers, channels=self._channels)]
        content['buffers'] = [dict(byteLength=self._size)]
        text = json.dumps(content, separators=(',', ':')).encode()
        text += b' ' * (-len(text) % 4)
        total = 12 + 8 + len(text) + 8 + self._size
        if total > MAX_BYTES:
            raise ValueError(f'{path} would have {total / 1e9:.1f} GB, but a GLB holds 4.3 at most: choose a part with '
                             '--start and --stop, or fewer frames a second with --fps')
        with atomic_write(path, 'wb') as file:
            file.write(struct.pack('<4sIIII', b'glTF', 2, total, len(text), 0x4e4f534a) + text)
            file.write(struct.pack('<II', self._size, 0x004e4942))
            for part in self._parts:
                file.write(part)
