"""The skeletons of the benchmarks."""
from ..skeleton import Skeleton


def _tree(name: str, joints: str, parents: tuple, head: tuple) -> Skeleton:
    """Skeleton of a kinematic tree: blank-separated joint names, the parent of each (-1: the root), the head joints."""
    return Skeleton(name, tuple(joints.split()), edges=tuple((p, j) for j, p in enumerate(parents) if p >= 0),
                    body=tuple(j for j in range(len(parents)) if j not in head), root=parents.index(-1))


_COCO17 = Skeleton(
    name='coco17',
    joints=('nose', 'left-eye', 'right-eye', 'left-ear', 'right-ear', 'left-shoulder', 'right-shoulder',
            'left-elbow', 'right-elbow', 'left-wrist', 'right-wrist', 'left-hip', 'right-hip',
            'left-knee', 'right-knee', 'left-ankle', 'right-ankle'),
    edges=((15, 13), (13, 11), (16, 14), (14, 12), (11, 12), (5, 11), (6, 12), (5, 6), (5, 7), (6, 8), (7, 9),
           (8, 10), (1, 2), (0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 6)),
    body=tuple(range(5, 17)))

# Human3.6M as every lifting paper uses it; 'thorax' is the base of the neck, 'neck-nose' the joint inside the head.
_H36M17 = _tree(
    'h36m17',
    'pelvis right-hip right-knee right-ankle left-hip left-knee left-ankle spine thorax neck-nose head-top '
    'left-shoulder left-elbow left-wrist right-shoulder right-elbow right-wrist',
    parents=(-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15), head=(9, 10))

# Human3.6M as it was captured. Several joints coincide (11 with 0, 20 with 19, ...); the 17 above keep their names.
_H36M32 = _tree(
    'h36m32',
    'pelvis right-hip right-knee right-ankle right-foot right-toe left-hip left-knee left-ankle left-foot left-toe '
    'spine-base spine thorax neck-nose head-top '
    'left-collar left-shoulder left-elbow left-wrist left-thumb-base left-thumb left-hand left-hand-end '
    'right-collar right-shoulder right-elbow right-wrist right-thumb-base right-thumb right-hand right-hand-end',
    parents=(-1, 0, 1, 2, 3, 4, 0, 6, 7, 8, 9, 0, 11, 12, 13, 14,
             12, 16, 17, 18, 19, 20, 19, 22, 12, 24, 25, 26, 27, 28, 27, 30), head=(14, 15))

# MPI-INF-3DHP, test set and published results; 'neck' is the base of the neck, 'head' the joint inside the head.
_MPI_INF_3DHP17 = _tree(
    'mpi_inf_3dhp17',
    'head-top neck right-shoulder right-elbow right-wrist left-shoulder left-elbow left-wrist '
    'right-hip right-knee right-ankle left-hip left-knee left-ankle pelvis spine head',
    parents=(16, 15, 1, 2, 3, 1, 5, 6, 14, 8, 9, 14, 11, 12, -1, 14, 1), head=(0, 16))

# MPI-INF-3DHP, training set.
_MPI_INF_3DHP28 = _tree(
    'mpi_inf_3dhp28',
    'spine-3 spine-4 spine-2 spine pelvis neck head head-top '
    'left-clavicle left-shoulder left-elbow left-wrist left-hand '
    'right-clavicle right-shoulder right-elbow right-wrist right-hand '
    'left-hip left-knee left-ankle left-foot left-toe right-hip right-knee right-ankle right-foot right-toe',
    parents=(2, 0, 3, 4, -1, 1, 5, 6, 5, 8, 9, 10, 11, 5, 13, 14, 15, 16, 4, 18, 19, 20, 21, 4, 23, 24, 25, 26),
    head=(6, 7))

# HumanEva-I; 'head' is the top of the head.
_HUMANEVA15 = _tree(
    'humaneva15',
    'pelvis thorax left-shoulder left-elbow left-wrist right-shoulder right-elbow right-wrist '
    'left-hip left-knee left-ankle right-hip right-knee right-ankle head',
    parents=(-1, 0, 1, 2, 3, 1, 5, 6, 0, 8, 9, 0, 11, 12, 1), head=(14,))

_FINGERS = ('thumb', 'index', 'middle', 'ring', 'little')
_HAND21 = Skeleton(  # in the order of OpenPose and COCO-WholeBody
    name='hand21', joints=('wrist', *(f'{finger}-{i}' for finger in _FINGERS for i in range(1, 5))),
    edges=tuple((0 if joint % 4 == 1 else joint - 1, joint) for joint in range(1, 21)), body=tuple(range(21)), root=0)

_SMPL24 = _tree(
    'smpl24',
    'pelvis left-hip right-hip spine-1 left-knee right-knee spine-2 left-ankle right-ankle spine-3 left-foot '
    'right-foot neck left-collar right-collar head left-shoulder right-shoulder left-elbow right-elbow left-wrist '
    'right-wrist left-hand right-hand',
    parents=(-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21), head=(15,))

_SKELETONS = {s.name: s for s in (_COCO17, _H36M17, _H36M32, _MPI_INF_3DHP17, _MPI_INF_3DHP28, _HUMANEVA15, _HAND21,
                                  _SMPL24)}


def get_skeleton(name: str) -> Skeleton:
    """Skeleton by name. Raises ``KeyError`` that lists the known names."""
    if name not in _SKELETONS:
        raise KeyError(f'unknown skeleton {name!r}; known: {sorted(_SKELETONS)}')
    return _SKELETONS[name]
