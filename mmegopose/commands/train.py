"""Train a model from a config.

Logs and checkpoints go to the work dir. Without data_root the embedded sample is used, where the config has one.
--resume goes on from the newest good checkpoint, on the same loss curve.

Examples:
    mmegopose train mmegopose::levelwise_vit.py --cfg-options data_root=/path/to/egoexo4d
    mmegopose train mmegopose::lifting/stcformer_27_sample.py --amp --resume
    mmegopose train my_config.py --work-dir runs/wide --cfg-options model.backbone.depth=6 train_cfg.max_iters=2000
"""
from ._shared.arguments import add_config, add_engine_arguments, set_local_rank
from ._shared.launcher import end_with_launcher


def train_arguments(parser) -> None:
    add_config(parser)
    parser.add_argument('--work-dir', metavar='DIR',
                        help='folder of logs and checkpoints; default: ./work_dirs/<name of the config>')
    parser.add_argument('--resume', nargs='?', const='auto', metavar='CHECKPOINT',
                        help='go on from this checkpoint; without a value from the newest in the work dir')
    parser.add_argument('--amp', action='store_true', help='mixed precision, bfloat16 if the config names no dtype')
    parser.add_argument('--no-validate', action='store_true', help='do not validate while training')
    add_engine_arguments(parser)


def train_command(args) -> None:
    from ..engine.config import check_config, choose_work_dir, load_config, user_errors
    from ..engine.options import Options
    from ..engine.runner import leave_process_group
    from ..files import require_writable
    from ..registry import RUNNERS
    set_local_rank(args)
    end_with_launcher(args.launcher)
    with user_errors('--resume goes on from the newest checkpoint'):
        cfg = load_config(args.config, Options.of(args.cfg_options))
        check_config(cfg, args.config, 'train')
        cfg.launcher = args.launcher
        cfg.work_dir = choose_work_dir(args.work_dir or cfg.get('work_dir'), args.config)
        require_writable(cfg.work_dir, 'name another place with --work-dir')
        if args.amp:
            use_amp(cfg)
        if args.no_validate:
            cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
        start_from = cfg.get('load_from')
        if args.resume:
            cfg.resume = True
            cfg.load_from = None if args.resume == 'auto' else args.resume
        runner = RUNNERS.build(cfg)
        runner.start_from = start_from
        runner.train()
        leave_process_group()


def use_amp(cfg) -> None:
    """Put mixed precision in a config."""
    kind = cfg.optim_wrapper.get('type', 'OptimWrapper')
    if kind not in ('OptimWrapper', 'AmpOptimWrapper'):
        raise ValueError(f'--amp replaces OptimWrapper, but optim_wrapper.type is {kind!r}')
    cfg.optim_wrapper.type = 'AmpOptimWrapper'
