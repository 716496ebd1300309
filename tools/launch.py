"""``torchrun`` that tells in one line which process ended; dist_train.sh and dist_test.sh call it."""
import logging
import signal
import sys

from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.run import main


def reason(code: int) -> str:
    """What an exit status says."""
    if code >= 0:
        return f'with status {code}; its message is above'
    name = signal.Signals(-code).name
    return f'by {name}' + (', which is what a full memory ends in' if name == 'SIGKILL' else '')


if __name__ == '__main__':
    logging.getLogger('torch.distributed.elastic').setLevel(logging.CRITICAL)  # it tells the same in many lines
    try:
        main()
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        sys.exit(f'error: process {rank} ended {reason(failure.exitcode)}. The others were ended, too; a training goes '
                 'on with --resume')
    except (SignalException, KeyboardInterrupt):
        sys.stderr.write('stopped: a training goes on with --resume\n')
        sys.exit(130)
