"""Count the package's files that a batch crosses on its way from files to a number, the trained model left out.

    python tools/analysis_tools/trace_files.py CONFIG [CONFIG ...] [--list] [--cfg-options data_root=DIR]

A file counts when one of its functions runs: while the test set of the config is built by its reader, while its
windows become batches, and while the metric scores them. Files that are only imported do not count, nor does what runs
inside the model, nor the look-up of names in registries. Without a CONFIG: one of each family, on data that come with
the package or are made. Caches of earlier runs are not used.
"""
import argparse
import inspect
import os
import os.path as osp
import sys
import tempfile
from pathlib import Path

os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
sys.path.insert(0, osp.dirname(osp.dirname(osp.dirname(osp.abspath(__file__)))))  # a checkout runs its own package

from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope

import mmegopose
from mmegopose.engine.config import DictAction, check_config, load_config, user_errors
from mmegopose.registry import DATASETS, METRICS, MODELS, READERS

ROOT = sys.path[0]
PACKAGE = Path(mmegopose.__file__).resolve().parent
LOOK_UP = {'registry.py', 'plugins.py'}
FAMILIES = {'head_pose/levelwise_vit_coarse_only.py': {}, 'lifting/stcformer_27_sample.py': {},
            'mesh/extpose-tiny_synthetic-hand.py': {'test_dataloader.dataset.num_samples': 32}}


class FileTrace:
    """Files of the package whose functions run while this context is entered; it can be entered again."""

    def __init__(self):
        self._codes = set()

    def _note(self, frame, event, arg):
        if event == 'call':
            self._codes.add(frame.f_code)

    def __enter__(self):
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_):
        sys.setprofile(None)

    @property
    def files(self) -> list:
        """Paths relative to the package, sorted; the code of modules and class bodies is no function."""
        paths = {Path(code.co_filename) for code in self._codes if code.co_flags & inspect.CO_OPTIMIZED}
        return sorted({str(path.relative_to(PACKAGE)) for path in paths if path.is_relative_to(PACKAGE)} - LOOK_UP)


def trace(path: str, options: dict = None, batch_size: int = 32) -> list:
    """Files that the test set of a config crosses, from its reader to the metric."""
    cfg = load_config(path, options)
    check_config(cfg, path, 'test')
    init_default_scope('mmegopose')
    model = MODELS.build(cfg.model).eval()
    READERS.import_from_location()
    trace = FileTrace()
    with trace:
        dataset = DATASETS.build(cfg.test_dataloader.dataset)
        metrics = cfg.test_evaluator if isinstance(cfg.test_evaluator, list) else [cfg.test_evaluator]
        evaluator = Evaluator([METRICS.build(metric) for metric in metrics])
        evaluator.dataset_meta = dataset.metainfo
    for start in range(0, len(dataset), batch_size):
        with trace:
            batch = dataset.__getitems__(list(range(start, min(start + batch_size, len(dataset)))))
        outputs = model.val_step(batch)
        with trace:
            evaluator.process(data_samples=outputs, data_batch=batch)
    with trace:
        evaluator.evaluate(len(dataset))
    return trace.files


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('configs', nargs='*', metavar='CONFIG')
    parser.add_argument('--list', action='store_true', help='name the files as well')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='as for train.py')
    args = parser.parse_args(argv)
    runs = {name: {} for name in args.configs} or {osp.join(ROOT, 'configs', k): v for k, v in FAMILIES.items()}
    MMLogger.get_instance('trace_files', log_level='WARNING')
    with user_errors(), tempfile.TemporaryDirectory() as cache:
        os.environ['MMEGOPOSE_CACHE'] = cache
        print('| config | files |\n|---|---:|')
        for config, options in runs.items():
            files = trace(config, {**options, **(args.cfg_options or {})})
            print(f'| {osp.relpath(config, ROOT)} | {len(files)} |')
            if args.list:
                print('\n'.join(f'|  {file} | |' for file in files))


if __name__ == '__main__':
    main()
