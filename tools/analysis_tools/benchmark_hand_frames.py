"""From the film of a headset to a batch of hands: frames and hands a second on one core, and by the number of workers.

A release of Ego-Exo4D's hands is made up: films of 1408 x 1408 pixels that move, two hands in every third frame. Rates
of one core are by the time of the processor, so that a busy machine does not slow them much; those of several
processes are by the clock. The share of a training step is what one loading process takes of its time: 250 % means that
three processes keep up.
"""
import argparse
import json
import os
import os.path as osp
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault('OMP_NUM_THREADS', '1')
sys.path.insert(0, osp.dirname(osp.dirname(osp.dirname(osp.abspath(__file__)))))  # a checkout runs its own package

import cv2
import numpy as np
import torch
from mmengine.logging import MMLogger

from mmegopose.datasets.converters.aria_calibration import CAMERA, FRAME, MODEL, camera_params
from mmegopose.datasets.converters.egoexo4d_frames import frame_map, read_frames
from mmegopose.datasets.converters.egoexo4d_hand import available_cores, prepare_hands
from mmegopose.datasets.converters.egoexo4d_hand_labels import KEYS
from mmegopose.datasets.image_files import decode_labelled, read_picture
from mmegopose.datasets.transforms import DecodeCrop
from mmegopose.engine.config import load_config
from mmegopose.engine.options import Options
from mmegopose.registry import DATASETS, MODELS

GOAL = 150  # undistorted frames a second on one core
EVERY = 3   # frames of which one is labelled
CALIBRATION = dict(CameraCalibrations=[dict(Label=CAMERA, Projection=dict(Name=MODEL, Params=[
    610.82, 711.225, 711.935, 0.385091, -0.317651, -0.34768, 1.87269, -2.19933, 0.780143, -0.00108388, -0.000392366,
    0.00125706, -8.63757e-05, 6.62793e-05, -0.000117569]))])  # published: github.com/facebookresearch/Ego4d/issues/365


def write_film(path: Path, num_frames: int) -> None:
    """A picture with detail at every scale that moves by a few pixels each frame; H.264 with PyAV, else MPEG-4."""
    rng = np.random.default_rng(0)
    scales = [cv2.resize(rng.normal(0, 18, (side, side, 3)), (FRAME, FRAME), interpolation=cv2.INTER_CUBIC)
              for side in (6, 44, 352)]
    picture = np.clip(118 + sum(scales), 0, 255).astype(np.uint8)
    frames = (np.roll(picture, (3 * number, 5 * number), (0, 1)) for number in range(num_frames))
    try:
        import av
    except ImportError:
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), 30, (FRAME, FRAME))
        for frame in frames:
            writer.write(frame)
        writer.release()
        return
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('libx264', rate=30, options=dict(crf='23', preset='veryfast'))
        stream.width = stream.height = FRAME
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format='bgr24')))
        container.mux(stream.encode())


def write_release(root: Path, num_sequences: int, num_frames: int) -> None:
    """A release whose recordings share one film."""
    film = root / 'film.mp4'
    root.mkdir(parents=True, exist_ok=True)
    write_film(film, num_frames)
    bones, joints = (0.045, 0.035, 0.03, 0.025), np.zeros((21, 3))
    for finger in range(5):
        lengths = bones if finger == 0 else (0.085, 0.038, 0.026, 0.022)
        turn = 0.25 * (finger - 2)
        joints[1 + 4 * finger:5 + 4 * finger] = np.cumsum(lengths)[:, None] * [np.cos(turn), np.sin(turn), 0]
    hands = np.concatenate([joints + [0.05, side, 0.4] for side in (-0.15, 0.15)])  # right, left; world is the camera
    label = dict(annotation3D={name: dict(zip('xyz', place), num_views_for_3d=4)
                               for name, place in zip(KEYS, hands.tolist())},
                 annotation2D=dict(aria01={name: dict(zip('xy', point)) for name, point in zip(
                     KEYS, (150 * hands[:, :2] / hands[:, 2:] + 255.5).tolist())}))
    poses = dict(aria01=dict(camera_intrinsics=[[150., 0, 255.5], [0, 150., 255.5], [0, 0, 1]], camera_extrinsics={
        str(number): np.eye(4)[:3].tolist() for number in range(num_frames)}))
    base, takes = root / 'annotations/ego_pose/train', []
    for number in range(num_sequences):
        name = f'cooking_{number}'
        takes.append(dict(take_uid=name, take_name=name, capture=dict(cameras=[dict(cam_id='aria01', is_ego=True)])))
        for path, content in ((base / f'hand/annotation/{name}.json', {str(frame): [label] for frame in range(
                0, num_frames, EVERY)}), (base / f'camera_pose/{name}.json', poses)):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(content))
        folder = root / 'takes' / name
        (folder / 'frame_aligned_videos').mkdir(parents=True)
        (folder / 'frame_aligned_videos/aria01_214-1.mp4').hardlink_to(film)
        (folder / 'trajectory').mkdir()
        (folder / 'trajectory/online_calibration.jsonl').write_text(json.dumps(CALIBRATION) + '\n')
    (root / 'takes.json').write_text(json.dumps(takes))


def seconds(work: Callable, clock: Callable = time.process_time) -> float:
    begin = clock()
    work()
    return clock() - begin


def film_rates(film: Path, num_frames: int) -> dict[str, float]:
    """Frames a second of each step from the film to a file."""
    frame = next(image for _, image in read_frames(film, [0]))
    maps = frame_map(camera_params(CALIBRATION, 'CALIBRATION'), FRAME, False)
    picture = cv2.remap(frame, *maps, cv2.INTER_LINEAR)
    labelled = list(range(0, num_frames, EVERY))
    return {'decode, every frame': num_frames / seconds(lambda: list(read_frames(film, range(num_frames)))),
            f'decode, one in {EVERY}': len(labelled) / seconds(lambda: list(read_frames(film, labelled))),
            'undistort to 512 x 512': 100 / seconds(
                lambda: [cv2.remap(frame, *maps, cv2.INTER_LINEAR) for _ in range(100)]),
            'write as JPEG': 100 / seconds(lambda: [cv2.imencode('.jpg', picture) for _ in range(100)])}


class Timed:
    """A transform, and the time that it takes."""

    def __init__(self, transform: Callable):
        self.transform, self.seconds = transform, 0.0

    def __call__(self, batch: dict) -> dict:
        begin = time.process_time()
        try:
            return self.transform(batch)
        finally:
            self.seconds += time.process_time() - begin


def batch_seconds(data, keys: list) -> dict[str, float]:
    """Seconds that a batch of hands takes, by part."""
    data.__getitems__(keys[:2])  # loads what is loaded once
    names, root = {str(data.store.frames['file'][key]) for key in keys}, data.store.info['root']
    decoding = seconds(lambda: [decode_labelled(read_picture(root, name), np.zeros(2)) for name in names])
    plain = data.pipeline.transforms
    data.pipeline.transforms = timed = [Timed(transform) for transform in plain]
    whole = seconds(lambda: data.__getitems__(keys))
    data.pipeline.transforms = plain
    cutting = next(step.seconds for step in timed if isinstance(step.transform, DecodeCrop))
    return {'decode JPEG': decoding, 'crop': cutting - decoding, 'targets and collate': whole - cutting, 'all': whole}


def step_seconds(config, data, keys: list, device: str) -> float:
    """Seconds of a training step, by the clock; the best of three."""
    model = MODELS.build(config.model).to(device).train()
    optimizer = torch.optim.AdamW(model.parameters(), fused=device == 'cuda')
    batch = model.data_preprocessor(data.__getitems__(keys), True)

    def step():
        optimizer.zero_grad()
        with torch.autocast(device, torch.bfloat16, enabled=device == 'cuda'):
            loss = sum(model(**batch, mode='loss').values())
        loss.backward()
        optimizer.step()
        if device == 'cuda':
            torch.cuda.synchronize()

    step()
    return min(seconds(step, time.perf_counter) for _ in range(3))


def main(argv=None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--num-frames', type=int, default=60, help='of a film (default: 60)')
    parser.add_argument('--num-sequences', type=int, default=4, help='recordings to prepare (default: 4)')
    parser.add_argument('--workers', type=int, nargs='+', default=sorted({1, 2, available_cores()}),
                        help='numbers of processes (default: 1, 2 and one a core)')
    parser.add_argument('--config', default='mmegopose::ego_hand/hp-vit-base_egoexo4d-hand.py',
                        help='whose step and loading are timed')
    parser.add_argument('--batch-size', type=int, help='hands; default: 64 on a GPU, else 4')
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE', help='change the config')
    args = parser.parse_args(argv)
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    size = args.batch_size or (64 if device == 'cuda' else 4)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    MMLogger.get_instance('benchmark', log_level='WARNING')
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, 'release')
        write_release(root, args.num_sequences, args.num_frames)
        print(f'one core, frames a second of {FRAME} x {FRAME} pixels')
        for name, rate in film_rates(root / 'film.mp4', args.num_frames).items():
            print(f'  {name:28}{rate:8.0f}' + (f'   goal {GOAL}' if name.startswith('undistort') else ''), flush=True)
        print('preparation, hands a second by the number of processes')
        for number in args.workers:
            out, hands = Path(folder, f'out{number}'), 2 * args.num_sequences * -(-args.num_frames // EVERY)
            spent = seconds(lambda: prepare_hands(root, out, ['train'], num_workers=number, progress=False),  # noqa: B023
                            time.perf_counter)
            print(f'  {number:<28}{hands / spent:8.1f}   10,000 in {1e4 * spent / hands / 60:.1f} minutes', flush=True)
        config = load_config(args.config, Options.of(args.cfg_options))
        data = DATASETS.build(dict(config.train_dataloader.dataset, data_root=str(out), cache_dir=folder))
        keys = np.random.default_rng(0).permutation(len(data))[:size].tolist()
        spent = batch_seconds(data, keys)
        print(f'one core, hands a second of a batch of {len(keys)}')
        for name, part in spent.items():
            print(f'  {name:28}{len(keys) / max(part, 1e-9):8.0f}')
        step = step_seconds(config, data, keys, device)
        print(f'a training step of {args.config} on {device}: {1e3 * step:.0f} ms; loading its batch in one process '
              f'takes {spent["all"] / step:.1%} of it')


if __name__ == '__main__':
    main()
