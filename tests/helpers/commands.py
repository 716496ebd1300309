"""Commands of ``tools/``, in this process: to start Python and load torch anew takes longer than most commands."""
import io
import os
import runpy
import subprocess
import sys
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

from mmengine.logging import MessageHub, MMLogger
from mmengine.visualization import Visualizer

TOOLS = Path(__file__).parents[2] / 'tools'


@contextmanager
def of_its_own(folder, script, arguments):
    """What a command has to itself as a process: folder, arguments, environment, paths, and mmengine's loggers."""
    before, instances = os.getcwd(), {kind: set(kind._instance_dict) for kind in (MMLogger, MessageHub, Visualizer)}
    os.chdir(folder)
    try:
        with mock.patch.dict(os.environ), mock.patch.object(sys, 'path', list(sys.path)), \
                mock.patch.object(sys, 'argv', [str(script), *map(str, arguments)]):
            yield
    finally:
        os.chdir(before)
        for kind, names in instances.items():
            for name in set(kind._instance_dict) - names:
                del kind._instance_dict[name]


def completed(script: str, *arguments, cwd) -> subprocess.CompletedProcess:
    """What ``tools/<script>`` did in the folder ``cwd``: exit status, output and errors."""
    status, output, errors = 0, io.StringIO(), io.StringIO()
    with of_its_own(cwd, TOOLS / script, arguments), redirect_stdout(output), redirect_stderr(errors):
        try:
            runpy.run_path(str(TOOLS / script), run_name='__main__')
        except SystemExit as exit:
            status = exit.code or 0
    return subprocess.CompletedProcess([script, *arguments], status, output.getvalue(), errors.getvalue())


def run_tool(script: str, *arguments, cwd, expect: int = 0) -> str:
    """Output and errors of a command, whose exit status should be ``expect``."""
    done = completed(script, *arguments, cwd=cwd)
    assert done.returncode == expect, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout + done.stderr
