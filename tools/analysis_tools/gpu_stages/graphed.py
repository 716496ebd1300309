"""A training step that a GPU replays as one graph."""
import torch

from mmegopose.structures import PoseDataSample

from .timing import casts


class TrainingStep:
    """Forward, losses, backward, clipping and AdamW, over a batch that stays in its place.

    On a GPU the step is captured as a CUDA graph, which starts hundreds of small kernels at once. Where that fails the
    step goes on as it is, and ``note`` says why.

    Args:
        model: a :class:`PoseEstimator` on its device.
        batch: the first batch; later ones have its shapes.
        options: of AdamW, ``lr`` among them.
        max_norm: of the gradients; None: they are not clipped.
    """

    def __init__(self, model, batch: dict, options: dict, max_norm: float | None, device: str):
        self.model, self.device, self.max_norm = model, device, max_norm
        self.inputs, self.samples = to_device(batch, device)
        rate = torch.tensor(float(options['lr']), device=device)
        more = dict(fused=True, capturable=True) if device == 'cuda' else dict(fused=True)
        self.optimizer = torch.optim.AdamW(model.parameters(), **options | dict(lr=rate) | more)
        self.loss, self.graph, self.note = torch.zeros((), device=device), None, ''
        if device == 'cuda':
            self._capture()

    def __call__(self, batch: dict, rate: float) -> None:
        """Train on a batch whose tensors lie in pinned memory, so that nobody waits for their copies."""
        for name, value in self.inputs.items():
            value.copy_(batch['inputs'][name], non_blocking=True)
        for name, value in self.samples.items():
            value.copy_(batch['data_samples'].get(name), non_blocking=True)
        for group in self.optimizer.param_groups:
            group['lr'].fill_(rate)
        if self.graph is None:
            self._run()
        else:
            self.graph.replay()

    def _run(self) -> None:
        self.optimizer.zero_grad()
        # A graph may not hold casts of weights that autocast has kept from before.
        with torch.autocast(self.device, torch.bfloat16, casts(self.device), cache_enabled=self.device != 'cuda'):
            loss, _ = self.model.parse_losses(self.model(self.inputs, self.samples, mode='loss'))
        loss.backward()
        if self.max_norm is not None:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.max_norm)
        self.optimizer.step()
        self.loss.copy_(loss.detach())

    def _capture(self) -> None:
        for group in self.optimizer.param_groups:  # the first steps prepare, and should not train
            group['lr'].zero_()
        try:
            aside = torch.cuda.Stream()
            aside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(aside):
                for _ in range(3):
                    self._run()
            torch.cuda.current_stream().wait_stream(aside)
            torch.cuda.synchronize()
            graph = torch.cuda.CUDAGraph()
            self.optimizer.zero_grad()
            # Other threads pin the memory of coming batches meanwhile.
            with torch.cuda.graph(graph, capture_error_mode='thread_local'):
                self._run()
            self.graph = graph
        except Exception as error:
            torch.cuda.synchronize()
            self.note = f'no CUDA graph: {type(error).__name__}: {str(error).splitlines()[0][:160]}'


def to_device(batch: dict, device: str) -> tuple[dict, PoseDataSample]:
    """Streams and data sample of a batch on a device."""
    return {name: value.to(device).clone() for name, value in batch['inputs'].items()}, \
        batch['data_samples'].to(device).clone()
