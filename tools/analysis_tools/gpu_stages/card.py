"""The card: its rates, and the training steps that make the host wait for it."""
import json
import warnings
from functools import partial

import torch

from .networks import networks
from .timing import free, measure

FORMS = dict(fp32=(torch.float32, False), tf32=(torch.float32, True), bf16=(torch.bfloat16, False))


def card(found, args) -> None:
    """Name of the card, and the rate of square matrix products of random numbers."""
    found.write(machine=machine(args.device))
    for form in FORMS:
        if form == 'tf32' and args.device == 'cpu':
            continue
        for size in (4096, 8192) if args.scale == 'full' else (256,):
            found.row(f'{form}, {size} x {size} x {size}', partial(rate, form, size, args.device), form=form)
    free(args.device)


def rate(form: str, size: int, device: str) -> dict:
    """Rate of a matrix product of a form of ``FORMS``."""
    dtype, tf32 = FORMS[form]
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = tf32
    try:
        times = measure(lambda: a @ b, device, 1.0)
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before
    return dict(times, tflops=2 * size ** 3 / times['ms'] / 1e9)


def bf16_peak(found, args) -> float:
    """The highest rate of bf16 products, TFLOP/s, of the stage ``card`` or measured now."""
    file = found.folder / 'card.json'
    rows = json.loads(file.read_text()).get('rows', []) if file.is_file() else []
    rates = [row['tflops'] for row in rows if row.get('form') == 'bf16' and row.get('tflops')]
    return max(rates) if rates else rate('bf16', 8192 if args.scale == 'full' else 256, args.device)['tflops']


def machine(device: str) -> dict:
    """What ran the report."""
    facts = dict(torch=torch.__version__)
    if device == 'cuda':
        properties = torch.cuda.get_device_properties(0)
        return dict(card=properties.name, memory=f'{properties.total_memory / 2 ** 30:.0f} GiB',
                    cuda=torch.version.cuda, **facts)
    return dict(card='none, the CPU', threads=torch.get_num_threads(), **facts)


def waits(found, args) -> None:
    """Operations of a training step for which the host waits, by CUDA's own debug mode."""
    if args.device == 'cpu':
        found.add(name='without a GPU nothing waits for it', waits=0,
                  note='tools/analysis_tools/check_devices.py tells without one')
        return
    for name, network in networks(args.scale).items():
        found.row(name, partial(_waits, network, args.device), needs=5)
        free(args.device)


def _waits(network, device: str) -> dict:
    model, (inputs, samples) = network.model(device), network.batch(1, device)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-5, fused=True)

    def step():
        optimizer.zero_grad()
        with torch.autocast(device, torch.bfloat16):
            loss, _ = model.parse_losses(model(inputs, samples, mode='loss'))
        loss.backward()
        optimizer.step()

    step()
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode('warn')
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter('always')
            step()
    finally:
        torch.cuda.set_sync_debug_mode('default')
    places = {f'{one.filename}:{one.lineno}' for one in told if 'synchroniz' in str(one.message)}
    return dict(waits=len(places), note=', '.join(sorted(places)))
