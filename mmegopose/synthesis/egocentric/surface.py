"""A mesh that looks round though its triangles are few."""
import numpy as np
from scipy.sparse import csr_array

_ROUNDNESS = 0.75  # of Phong tessellation


class Surface:
    """Triangles with colours; some are cut into four, twice, and bulge (Boubekeur and Alexa, SIGGRAPH Asia 2008).

    Args:
        faces: ``(F,3)`` vertices of the triangles, counter-clockwise from outside.
        colors: ``(V,3)`` in [0,255].
        rounded: ``(F,)`` bool, which ones.
    """

    def __init__(self, faces: np.ndarray, colors: np.ndarray, rounded: np.ndarray):
        count = len(colors)
        corners = np.repeat(np.arange(len(faces)), 3)
        self._around = csr_array((np.ones(3 * len(faces)), (faces.reshape(-1), corners)), shape=(count, len(faces)))
        self._coarse, self._levels, fine = faces, [], faces[rounded]
        for _ in range(2):
            pairs, fine = _cut(fine, count)
            self._levels.append(pairs)
            count += len(pairs)
        self.faces = np.concatenate([faces[~rounded], fine])  # of what :meth:`lit` returns
        self.colors = np.asarray(colors, np.float32)
        for pairs in self._levels:
            self.colors = np.concatenate([self.colors, self.colors[pairs].mean(1)])

    def lit(self, vertices: np.ndarray, light: np.ndarray, ambient: float = 0.45) -> tuple[np.ndarray, np.ndarray]:
        """All vertices ``(V',3)`` and their colours ``(V',3)`` under a wide light.

        Args:
            vertices: ``(V,3)``.
            light: ``(3,)`` unit vector towards it, in the same axes.
            ambient: share of the colour that is left on the dark side.
        """
        vertices = vertices.astype(np.float32)
        a, b, c = np.moveaxis(vertices[self._coarse], 1, 0)
        normals = _unit(self._around @ np.cross(b - a, c - a)).astype(np.float32)
        for pairs in self._levels:
            ends, turned = vertices[pairs], normals[pairs]                                  # (M,2,3)
            middle = ends.mean(1)
            lift = ((ends - middle[:, None]) * turned).sum(-1, keepdims=True) * turned
            vertices = np.concatenate([vertices, middle + _ROUNDNESS * lift.mean(1)])
            normals = np.concatenate([normals, _unit(turned.sum(1))])
        shade = ambient + (1 - ambient) * np.clip(0.4 + 0.6 * normals @ light, 0, 1)
        return vertices, self.colors * shade[:, None]


def _cut(faces: np.ndarray, first: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs ``(M,2)`` of vertices, between which a new one stands, numbered from ``first``, and four faces for one."""
    edges = np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), 1)
    pairs, number = np.unique(edges, axis=0, return_inverse=True)
    (a, b, c), (ab, bc, ca) = faces.T, first + number.reshape(-1, 3).T
    return pairs, np.stack([a, ab, ca, ab, b, bc, ca, bc, c, ab, bc, ca], 1).reshape(-1, 3)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
