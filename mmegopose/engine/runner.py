"""The runner: mmengine's, repaired on CPUs and strict with checkpoints."""
from unittest import mock

import torch
import torch.distributed
from mmengine.device import get_device
from mmengine.dist import all_gather_object, broadcast_object_list, is_main_process
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmengine.runner.checkpoint import CheckpointLoader

from ..files import alone_in, sweep_unfinished
from ..registry import DATASETS, FUNCTIONS, RUNNERS
from .checkpoint import CheckpointError, load_state, newest_checkpoint, state_of
from .continuation import (
    batch_facts,
    options_of,
    tell_if_done,
    warn_of_earlier_checkpoints,
    warn_of_other_batches,
    warn_of_other_options,
)
from .hooks import RandomStateHook
from .official_checkpoints import told_to_convert
from .options import absent_files

DEFAULT_HOOKS = dict(random_state=dict(type='RandomStateHook'), portable=dict(type='PortableCheckpointHook'),
                     finite=dict(type='FiniteHook'), due_validation=dict(type='DueValidationHook'))
TRAINING_KEYS = ('state_dict', 'meta', 'message_hub', 'optimizer')


@RUNNERS.register_module()
class EgoRunner(Runner):
    """mmengine's ``Runner`` with these differences.

    - Distributed training works on CPUs, over gloo.
    - ``compile=True`` (or a dict of options of ``torch.compile``) compiles the networks of the model, through its
      ``compile_networks(**options)``, and not the training step around them.
    - Checkpoints load strictly. ``resume=True`` takes the newest readable checkpoint of the work dir, or starts from
      the weights of the file ``start_from``, or else afresh, if there is none, and goes on bit-equal:
      ``RandomStateHook`` and ``PortableCheckpointHook`` are default hooks, named ``random_state`` and ``portable`` in
      ``default_hooks``. What differs from the run before is told.
    - A validation that was due with the checkpoint is made up: ``DueValidationHook``, named ``due_validation``.
    - Training stops when it is no longer finite: ``FiniteHook``, named ``finite``, is a default hook.
    - A training that starts anew beside checkpoints of an earlier one says what ``resume`` would take.
    - One training at a time has the work dir.
    - What a killed run left half-written in the work dir is deleted when training starts.
    """

    start_from: str | None = None

    @classmethod
    def from_cfg(cls, cfg):
        """Runner of a config. A missing file is told with all others that the config names and that are missing."""
        try:
            return super().from_cfg(cfg)
        except FileNotFoundError as error:
            others = [text for text in absent_files(cfg) if text.partition('=')[2] not in str(error)]
            if not others:
                raise
            raise FileNotFoundError(f'{error}. Missing too: {"; ".join(others)}') from error

    def setup_env(self, env_cfg: dict) -> None:
        if not self.distributed or torch.cuda.is_available():
            return super().setup_env(env_cfg)
        env_cfg = dict(env_cfg, dist_cfg=dict(env_cfg.get('dist_cfg', {}), backend='gloo'))
        with mock.patch.object(torch.cuda, 'set_device'):  # mmengine calls it with every launcher
            super().setup_env(env_cfg)

    def wrap_model(self, model_wrapper_cfg, model):
        if self.distributed and get_device() == 'cpu':
            model_wrapper_cfg = dict(model_wrapper_cfg or dict(
                broadcast_buffers=False, find_unused_parameters=self.cfg.get('find_unused_parameters', False)))
            model_wrapper_cfg.setdefault('device_ids', None)
        return super().wrap_model(model_wrapper_cfg, model)

    @staticmethod
    def build_dataloader(dataloader, seed=None, diff_rank_seed: bool = False):
        """Dataloader of a dict; its functions are looked up here, because mmengine knows only its own.

        Without ``collate_fn`` a data set that makes whole batches (``__getitems__``) gets ``batch_collate``, and any
        other what mmengine takes. Without workers none persist, and none fetch ahead.
        """
        if isinstance(dataloader, dict):
            dataloader = dict(dataloader)
            if not dataloader.get('num_workers'):
                dataloader.update(persistent_workers=False, prefetch_factor=None)
            dataset = dataloader.get('dataset')
            if isinstance(dataset, dict):
                dataset = DATASETS.get(dataset['type']) if isinstance(dataset['type'], str) else dataset['type']
            if hasattr(dataset, '__getitems__'):
                dataloader.setdefault('collate_fn', dict(type='batch_collate'))
            for key in ('collate_fn', 'worker_init_fn'):
                function = dataloader.get(key)
                if isinstance(function, dict) and isinstance(function['type'], str):
                    if FUNCTIONS.get(function['type']) is None:
                        raise KeyError(f'{key}: type={function["type"]!r} is not a registered function; '
                                       f'{FUNCTIONS.remedy(function["type"])}')
                    dataloader[key] = dict(function, type=FUNCTIONS.get(function['type']))
        return Runner.build_dataloader(dataloader, seed, diff_rank_seed)

    def register_default_hooks(self, hooks=None) -> None:
        hooks = dict(DEFAULT_HOOKS, **(hooks or {}))
        for name in DEFAULT_HOOKS:
            if isinstance(hooks[name], dict):  # an option of it may be given alone
                hooks[name] = dict(DEFAULT_HOOKS[name], **hooks[name])
        super().register_default_hooks({k: v for k, v in hooks.items() if v is not None or k not in DEFAULT_HOOKS})

    def _maybe_compile(self, target: str) -> None:
        options = self.cfg.get('compile')
        if options in (None, False) or getattr(self, '_compiled', False):
            return
        model = self.model.module if is_model_wrapper(self.model) else self.model
        if not hasattr(model, 'compile_networks'):
            raise ValueError(f'compile={options!r}: {type(model).__name__} has no compile_networks(**options)')
        model.compile_networks(**({} if options is True else options))
        self._compiled = True
        self.logger.info('The networks of the model are compiled: the first iterations are slow.')

    def train(self):
        """Train; returns the model. ``ValueError`` if another training runs in the work dir."""
        if not is_main_process():
            return super().train()
        with alone_in(self.work_dir, 'wait until it has ended, or name another place with --work-dir'):
            sweep_unfinished(self.work_dir)
            if not (self._resume or getattr(self, '_resuming', False)):
                warn_of_earlier_checkpoints(self)
            return super().train()

    def load_or_resume(self) -> None:
        if self._has_loaded or not self._resume or self._load_from is not None:
            return super().load_or_resume()
        found = [newest_checkpoint(self.work_dir) if is_main_process() else None]
        broadcast_object_list(found)
        if found[0] is not None:
            return self.resume(found[0])
        start = f'from the weights of {self.start_from}' if self.start_from else 'afresh'
        self.logger.info(f'There is no checkpoint to resume from in {self.work_dir}: training starts {start}.')
        if self.start_from:
            self.load_checkpoint(self.start_from)

    def resume(self, filename: str, resume_optimizer: bool = True, resume_param_scheduler: bool = True,
               map_location='default') -> None:
        """Go on from a training checkpoint; ``CheckpointError`` if the file holds weights only."""
        self._resuming, wanted = True, options_of(self.optim_wrapper)
        super().resume(filename, resume_optimizer, resume_param_scheduler, map_location)
        warn_of_other_batches(self, self._resumed_meta)
        warn_of_other_options(self, wanted)
        tell_if_done(self)

    def load_checkpoint(self, filename: str, map_location='cpu'):
        """Load all weights from a file; ``CheckpointError`` if it is damaged or belongs to another model."""
        with told_to_convert(filename):
            return self._load_checkpoint(filename, map_location)

    def _load_checkpoint(self, filename: str, map_location):
        checkpoint = CheckpointLoader.load_checkpoint(filename, map_location)
        missing = [key for key in TRAINING_KEYS if key not in checkpoint]
        if missing and getattr(self, '_resuming', False):
            raise CheckpointError(f'{filename} has no {", ".join(missing)}: training cannot resume from it. '
                                  'To start from its weights use load_from')
        self.call_hook('after_load_checkpoint', checkpoint=checkpoint)
        renamed = load_state(self.model, state_of(checkpoint, filename), filename)
        if renamed and getattr(self, '_resuming', False):  # its optimiser counts the parameters in another order
            raise CheckpointError(f'{filename} is of an earlier version, from which training cannot resume. To start '
                                  'from its weights use load_from')
        self._has_loaded, self._resumed_meta = True, checkpoint.get('meta') or {}
        self.logger.info(f'Loaded the checkpoint {filename}')
        return checkpoint

    def save_checkpoint(self, *args, **kwargs) -> None:
        """Save from the first process; all processes must call it, since each adds its random state."""
        for hook in self.hooks:
            if isinstance(hook, RandomStateHook):
                self.random_states = all_gather_object(hook.state())
        super().save_checkpoint(*args, **dict(kwargs, meta=dict(kwargs.get('meta') or {}, **batch_facts(self))))


def leave_process_group() -> None:
    """Wait for the other processes and leave: one that exits early makes the others abort."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()
