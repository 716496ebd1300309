"""Training steps and inference, as shares of the peak and against plain fp32."""
from functools import partial

import torch
from torch.utils.flop_counter import FlopCounterMode

from .card import bf16_peak
from .networks import Network, networks, speed_up_blocks, stcformer
from .timing import casts, free, measure, peak_memory

# label: compiled blocks, activation checkpointing, the large batch
FORMS = {'bf16': (False, False, False), 'bf16, large batch': (False, False, True),
         'bf16, checkpointed': (False, True, False), 'bf16, compiled': (True, False, False),
         'bf16, compiled, large batch': (True, False, True),
         'bf16, compiled, checkpointed, large batch': (True, True, True)}


def training_steps(found, args) -> None:
    """A training step of each network in each form."""
    peak, device = bf16_peak(found, args), args.device
    found.write(peak_tflops=peak)
    flops, plain, known = {}, {}, networks(args.scale)

    def row(name, form):
        step = _step(known[name], device, form, flops.setdefault(name, {}))
        if form is None:
            plain[name] = step
        return step if form is None else _compared(step, plain.get(name), peak)

    for form in (None, *FORMS):  # what the compiler takes long for comes last
        for name in known:
            found.row(f'{name}: {form or "plain fp32"}', partial(row, name, form), needs=8 if device == 'cuda' else 0,
                      network=name, form=form or 'plain fp32')
            free(device)


def _step(network: Network, device: str, form: str | None, flops: dict) -> dict:
    """Time and memory of a step: forward, losses, backward, AdamW. ``form`` None: plain fp32."""
    compiled, checkpointed, large = FORMS[form] if form else (False, False, False)
    windows = network.large if large else network.windows
    model = network.model(device)
    inputs, samples = network.batch(windows, device)
    side = network.plain_model(device) if form is None else model

    def losses(inputs, samples):
        if side is model or network.plain is None:
            return side(inputs, samples, mode='loss')
        return model.losses(dict(joints=side(inputs['keypoints'])), samples, inputs)

    if form and not flops:
        with FlopCounterMode(display=False) as counter, torch.autocast(device, torch.bfloat16, casts(device)):
            model.parse_losses(losses(*network.batch(1, device)))[0].backward()
        flops['window'] = counter.get_total_flops()
        model.zero_grad()
    if form:
        speed_up_blocks(model, compiled, checkpointed, device)
    optimizer = torch.optim.AdamW(side.parameters(), 2e-5, fused=True if form else None)

    def step():
        optimizer.zero_grad()
        with torch.autocast(device, torch.bfloat16, form is not None and casts(device)):
            loss, _ = model.parse_losses(losses(inputs, samples))
        loss.backward()
        optimizer.step()

    row = dict(windows=windows, **measure(step, device, 2.0 if device == 'cuda' else 0.1, most=20))
    row |= peak_memory(step, device)
    if form:
        row['tflops'] = flops['window'] * windows / row['ms'] / 1e9
    return row


def _compared(row: dict, plain: dict | None, peak: float) -> dict:
    """A row with its share of the peak, and against a plain one by window."""
    row['share'] = row['tflops'] / peak
    if plain:
        row['speedup'] = plain['ms'] / plain['windows'] / (row['ms'] / row['windows'])
        if row['windows'] == plain['windows'] and plain.get('step_gib'):
            row['memory_ratio'] = row['step_gib'] / plain['step_gib']
    return row


def inference(found, args) -> None:
    """Frames per second of inference, T = 27, 81 and 243 of STCFormer first; and the time of one window."""
    full, device = args.scale == 'full', args.device
    lifters = {f'STCFormer T={frames}': stcformer(full, frames) for frames in ((27, 81, 243) if full else (3, 9))}
    for name, network in {**lifters, **networks(args.scale)}.items():
        for form in ('fp32', 'bf16', 'bf16, compiled'):
            found.row(f'{name}: {form}', partial(_predict, network, device, form), needs=4 if device == 'cuda' else 0,
                      network=name, form=form)
            free(device)


@torch.inference_mode()
def _predict(network: Network, device: str, form: str) -> dict:
    model = network.model(device).eval()
    if form == 'bf16, compiled':
        speed_up_blocks(model, True, False, device)

    def of(windows):
        inputs, _ = network.batch(windows, device)

        def run():
            with torch.autocast(device, torch.bfloat16, form != 'fp32' and casts(device)):
                model(inputs)

        return measure(run, device, 1.0 if device == 'cuda' else 0.05)

    many, one = of(network.large), of(1)
    return dict(windows=network.large, **many, frames_per_s=network.large * network.sizes['T'] / many['ms'] * 1e3,
                windows_per_s=network.large / many['ms'] * 1e3, ms_of_one_window=one['ms'])
