"""Body joints from a head track, with numpy and onnxruntime alone: python run_head_pose.py model.onnx poses.csv

Poses come at the rate of the model, in the axes that it was exported for: an .npz with T_world_camera (N,4,4), or a CSV
whose first line names px,py,pz,qx,qy,qz,qw.
"""
import json
import sys

import numpy as np
import onnxruntime


def read_poses(path):
    if path.endswith('.npz'):
        return np.load(path)['T_world_camera'].astype(np.float32)
    table = np.atleast_1d(np.genfromtxt(path, delimiter=',', names=True))
    x, y, z, w = (table[f'q{axis}'] for axis in 'xyzw')
    poses = np.tile(np.eye(4, dtype=np.float32), (len(table), 1, 1))
    rows = [[1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]]
    poses[:, :3, :3] = np.array(rows).transpose(2, 0, 1)
    poses[:, :3, 3] = np.stack([table['px'], table['py'], table['pz']], 1)
    return poses


def print_joints(model, poses):
    session = onnxruntime.InferenceSession(model, providers=['CPUExecutionProvider'])
    facts = session.get_modelmeta().custom_metadata_map
    after = json.loads(facts['state'])  # which output is which input of the next frame
    outputs = [output.name for output in session.get_outputs()]
    types = {'tensor(int64)': np.int64, 'tensor(bool)': bool}
    zeros = {port.name: np.zeros([1, *port.shape[1:]], types.get(port.type, np.float32))
             for port in session.get_inputs()}  # the state, and wrists of which none is seen
    print('frame', *json.loads(facts['joint_names']), sep=',')
    state = zeros
    for frame, pose in enumerate(read_poses(poses)):
        if not np.isfinite(pose).all():
            state = zeros  # a hole: what follows is a new stretch
            continue
        found = dict(zip(outputs, session.run(None, dict(state, T_world_camera=pose[None]))))
        state = dict(zeros, **{name: found[after[name]] for name in after})
        print(frame, *(' '.join(f'{value:.6f}' for value in joint) for joint in found['joints'][0]), sep=',')


if __name__ == '__main__':
    print_joints(*sys.argv[1:])
