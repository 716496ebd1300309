"""A process of several, and the launcher that started them."""
import os
import sys
import threading
import time

LOOK_S = 1.0


def end_with_launcher(launcher: str) -> None:
    """End this process soon after its launcher was killed; else it would wait for ever, and hold its GPU.

    Args:
        launcher: ``'none'``: there is none.
    """
    if launcher == 'none' or not hasattr(os, 'getppid'):
        return
    threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_S)
    sys.stderr.write('error: the launcher of this process is gone, and so it ends; the checkpoints are intact, and '
                     '--resume goes on\n')
    sys.stderr.flush()
    os._exit(1)  # the other threads may wait for processes that are gone
