"""The ablation script, on two small configs of lifting."""
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OPTIONS = ['train_cfg.max_iters=1', 'default_hooks.checkpoint.interval=1', 'model.neck.depth=1', *(
    f'{loader}.num_workers=0' for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'))]


def ablate(folder, *arguments):
    return subprocess.run(
        [sys.executable, str(ROOT / 'tools/analysis_tools/ablate.py'), *arguments, '--out', 'out', '--metrics',
         'lifting/MPJPE', 'lifting/MPJVE', '--cfg-options', *OPTIONS], cwd=folder, capture_output=True, text=True)


@pytest.mark.slow
def test_ablation_writes_a_table_and_goes_on(tmp_path):
    configs = [f'{name} net={ROOT}/configs/lifting/{name}_27_sample.py' for name in ('stcformer', 'mixste')]
    done = ablate(tmp_path, configs[0], '--seeds', '0', '1')
    assert done.returncode == 0, done.stderr
    first = tmp_path / 'out/stcformer_net/seed_0/metrics.json'
    stamp = first.stat().st_mtime_ns
    done = ablate(tmp_path, *configs)
    assert done.returncode == 0 and first.stat().st_mtime_ns == stamp, done.stderr
    table = (tmp_path / 'out/table.md').read_text().splitlines()
    score = json.loads(first.read_text())['lifting/MPJPE']
    assert table[2].startswith(f'| stcformer net | {score:.2f} |') and table[3].startswith('| mixste net |')
    assert (tmp_path / 'out/ablation.png').stat().st_size > 1000


def test_failing_runs_are_told_with_their_log(tmp_path):
    done = ablate(tmp_path, 'nothing=no_such_config.py')
    assert done.returncode == 2 and 'there is no config no_such_config.py' in done.stderr
    assert 'out/nothing/seed_0/train.log' in done.stderr and 'Traceback' not in done.stderr
