"""What a resumed run has in common with the run before, and what not."""
from mmengine.dist import get_world_size
from mmengine.optim import OptimWrapper

from .checkpoint import checkpoints_for_resuming


def batch_facts(runner) -> dict:
    """``batch_size`` of a process, None where a sampler decides, and ``world_size``: kept in a checkpoint's meta."""
    sampler = getattr(runner.train_dataloader, 'batch_sampler', None)
    return dict(batch_size=getattr(sampler, 'batch_size', None), world_size=get_world_size())


def warn_of_earlier_checkpoints(runner) -> None:
    """One line, if a training that starts anew does so beside checkpoints of another."""
    found = checkpoints_for_resuming(runner.work_dir)
    if found:
        runner.logger.warning(
            f'{runner.work_dir} holds checkpoints of an earlier training, and this one starts anew: until it has saved '
            f'one of its own, --resume goes on from {found[0].name} of the earlier one. To keep them apart use another '
            '--work-dir')


def warn_of_other_batches(runner, meta: dict) -> None:
    """One line, if batches or processes are others than those of the checkpoint, that says which data that skips."""
    old, new = {key: meta.get(key) for key in ('batch_size', 'world_size')}, batch_facts(runner)
    if None in (*old.values(), *new.values()) or old == new:
        return
    before, after = (meta['iter'] * facts['batch_size'] * facts['world_size'] for facts in (old, new))
    changed = ', '.join(f'{key}={new[key]} (was {old[key]})' for key in new if new[key] != old[key])
    text = f'resumed with {changed}: training does not continue bit-equal'
    if hasattr(getattr(runner.train_loop, 'dataloader_iterator', None), 'skip') and before != after:
        text += f'. {before} samples were seen and it goes on at sample {after}, as if all batches had been such: ' + (
            f'{after - before} samples are skipped' if after > before else
            f'the last {before - after} samples are seen again')
    runner.logger.warning(text)


def options_of(optim_wrapper) -> list[dict]:
    """Options of each group of parameters, as they are before a schedule changes them."""
    groups = optim_wrapper.optimizer.param_groups if isinstance(optim_wrapper, OptimWrapper) else []
    return [{'lr': group.get('initial_lr', group['lr'])} | {
        key: value for key, value in group.items() if key in ('weight_decay', 'betas', 'momentum')} for group in groups]


def warn_of_other_options(runner, wanted: list[dict]) -> None:
    """One line, if the optimiser's options ``wanted`` by the config are not those that the checkpoint brought."""
    for own, found in zip(wanted, options_of(runner.optim_wrapper)):
        changed = [f'{key}={own[key]} (checkpoint: {found[key]})' for key in own
                   if key in found and _plain(own[key]) != _plain(found[key])]
        if changed:
            runner.logger.warning(f'the config says {", ".join(changed)}, but a resumed run keeps the options and the '
                                  'schedule of its checkpoint. To train with others, start from its weights with '
                                  'load_from')
            return


def _plain(value):
    return [float(each) for each in value] if isinstance(value, (list, tuple)) else float(value)


def tell_if_done(runner) -> None:
    """Say that a run that is resumed has nothing left to do."""
    loop = runner.train_loop
    if loop.iter >= loop.max_iters:
        runner.logger.warning(f'nothing is left to do: the checkpoint is of iteration {loop.iter}, and training ends '
                              f'at {loop.max_iters}. To train on raise train_cfg.max_iters (or max_epochs)')
