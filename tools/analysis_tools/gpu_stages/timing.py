"""Times and memory of a function on a device."""
import gc
import statistics
import time

import torch

from mmegopose.compat import cpu_has_bfloat16

GIB = 2 ** 30


def casts(device: str) -> bool:
    """Whether a device computes in bf16; a CPU without it would be many times slower with it."""
    return device == 'cuda' or cpu_has_bfloat16()


def synchronize(device: str) -> None:
    if device == 'cuda':
        torch.cuda.synchronize()


def measure(function, device: str, seconds: float = 3.0, most: int = 30) -> dict:
    """Median of the times of a function, and the middle half of them, in ms.

    It is called 3 times to warm up, then at least 3 times and as often as ``seconds`` allow, by what the last call
    of the warm-up took. On a GPU events on the stream take the time, and the host waits once, at the end.
    """
    for _ in range(3):
        synchronize(device)
        start = time.perf_counter()
        function()
        synchronize(device)
    calls = max(3, min(most, int(seconds / max(time.perf_counter() - start, 1e-6))))
    if device == 'cuda':
        events = [[torch.cuda.Event(enable_timing=True) for _ in range(2)] for _ in range(calls)]
        for begin, end in events:
            begin.record()
            function()
            end.record()
        synchronize(device)
        times = [begin.elapsed_time(end) for begin, end in events]
    else:
        times = []
        for _ in range(calls):
            start = time.perf_counter()
            function()
            times.append((time.perf_counter() - start) * 1e3)
    low, _, high = statistics.quantiles(times, n=4)
    return dict(ms=statistics.median(times), low=low, high=high)


def peak_memory(function, device: str) -> dict:
    """GiB at the peak of a call, in all and beyond what is held between calls; nothing on a CPU."""
    if device != 'cuda':
        return {}
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    function()
    torch.cuda.synchronize()
    peak = torch.cuda.max_memory_allocated()
    return dict(peak_gib=peak / GIB, step_gib=(peak - before) / GIB)


def free(device: str) -> None:
    """Give back what nothing holds any more, compiled code included."""
    torch._dynamo.reset()
    gc.collect()
    if device == 'cuda':
        torch.cuda.empty_cache()
