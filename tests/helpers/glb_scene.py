"""What a GLB shows at a time, from its node tree alone: an own walk over what pygltflib reads."""
import numpy as np
from scipy.spatial.transform import Rotation, Slerp

DTYPES = {5126: '<f4', 5121: 'u1', 5123: '<u2', 5125: '<u4'}
SIZES = dict(SCALAR=1, VEC2=2, VEC3=3, VEC4=4, MAT4=16)


class GlbScene:
    def __init__(self, path):
        import pygltflib
        self.gltf = pygltflib.GLTF2().load(str(path))
        self.blob = self.gltf.binary_blob()
        self.parents = {child: i for i, node in enumerate(self.gltf.nodes) for child in node.children or []}

    def array(self, accessor):
        entry = self.gltf.accessors[accessor]
        view = self.gltf.bufferViews[entry.bufferView]
        assert view.byteOffset % 4 == 0 and view.byteOffset + view.byteLength <= len(self.blob)
        size = SIZES[entry.type]
        values = np.frombuffer(self.blob, DTYPES[entry.componentType], entry.count * size, view.byteOffset)
        return values.reshape(entry.count, size) if size > 1 else values

    def times(self):
        return self.array(self.gltf.animations[0].samplers[0].input)

    def node(self, name):
        return next(i for i, node in enumerate(self.gltf.nodes) if node.name == name)

    def _local(self, time):
        """Translation, quaternion and scale of each node at a time."""
        state = [[np.array(node.translation or (0, 0, 0), float), np.array(node.rotation or (0, 0, 0, 1), float),
                  np.array(node.scale or (1, 1, 1), float)] for node in self.gltf.nodes]
        for animation in self.gltf.animations or []:
            for channel in animation.channels:
                sampler = animation.samplers[channel.sampler]
                times, values = self.array(sampler.input), self.array(sampler.output).astype(float)
                at = np.clip(time, times[0], times[-1])
                after = min(int(np.searchsorted(times, at, 'right')), len(times) - 1)
                before = max(after - 1, 0)
                if sampler.interpolation == 'STEP' or before == after:
                    value = values[int(np.searchsorted(times, at, 'right')) - 1]
                elif channel.target.path == 'rotation':
                    value = Slerp(times[[before, after]], Rotation.from_quat(values[[before, after]]))(at).as_quat()
                else:
                    share = (at - times[before]) / (times[after] - times[before])
                    value = values[before] * (1 - share) + values[after] * share
                state[channel.target.node][['translation', 'rotation', 'scale'].index(channel.target.path)] = value
        return state

    def matrices(self, time):
        """``(N,4,4)`` places of the nodes in the scene."""
        local = []
        for translation, quaternion, scale in self._local(time):
            matrix = np.eye(4)
            matrix[:3, :3] = Rotation.from_quat(quaternion).as_matrix() * scale
            matrix[:3, 3] = translation
            local.append(matrix)
        out = {}

        def place(i):
            if i not in out:
                out[i] = place(self.parents[i]) @ local[i] if i in self.parents else local[i]
            return out[i]

        return np.array([place(i) for i in range(len(local))])

    def vertices(self, node, time):
        """``(V,3)`` vertices and ``(F,3)`` faces of a skinned node."""
        node, world = self.gltf.nodes[node], self.matrices(time)
        skin = self.gltf.skins[node.skin]
        bind = self.array(skin.inverseBindMatrices).reshape(-1, 4, 4).swapaxes(1, 2)
        joints = world[skin.joints] @ bind
        parts, faces, count = [], [], 0
        for primitive in self.gltf.meshes[node.mesh].primitives:
            points = self.array(primitive.attributes.POSITION).astype(float)
            owners, weights = self.array(primitive.attributes.JOINTS_0), self.array(primitive.attributes.WEIGHTS_0)
            np.testing.assert_allclose(weights.sum(1), 1, atol=1e-6)
            homogeneous = np.concatenate([points, np.ones((len(points), 1))], 1)
            parts.append(np.einsum('vk,vkij,vj->vi', weights, joints[owners], homogeneous)[:, :3])
            faces.append(self.array(primitive.indices).reshape(-1, 3).astype(int) + count)
            count += len(points)
        return np.concatenate(parts), np.concatenate(faces)
