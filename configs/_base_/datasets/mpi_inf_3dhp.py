# MPI-INF-3DHP with ground-truth 2D: data_root holds data_train_3dhp.npz and data_test_3dhp.npz, which
# tools/dataset_converters/mpi_inf_3dhp.py makes of the official files.
_base_ = './lifting.py'

data_root = 'data/mpi_inf_3dhp'
train_dataloader = dict(dataset=dict(type='MPIINF3DHPDataset', split='train'))
val_dataloader = dict(dataset=dict(type='MPIINF3DHPDataset'))
val_evaluator = dict(type='MPIINF3DHPMetric')
