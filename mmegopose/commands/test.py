"""Score a trained model, or write its submission to a challenge.

Prints the metrics of the test data of the config. On request it saves the metrics, the predictions, pictures, or the
file that a challenge wants.

Examples:
    mmegopose test mmegopose::levelwise_vit.py work_dirs/levelwise_vit/iter_20000.pth --out metrics.json
    mmegopose test my_config.py iter_500.pth --show-dir pictures --dump predictions.npz
    mmegopose test work_dirs/levelwise_vit          # what training wrote, or a name of mmegopose models
    mmegopose test my_config.py iter_500.pth --submit body.json --cfg-options data_root=/path/to/egoexo4d
"""
from ._shared.arguments import add_config, add_engine_arguments, set_local_rank
from ._shared.launcher import end_with_launcher


def test_arguments(parser) -> None:
    add_config(parser)
    parser.add_argument('checkpoint', nargs='?', help='checkpoint file; without it CONFIG is the name of a model, or '
                        'a folder that training wrote')
    parser.add_argument('--work-dir', metavar='DIR',
                        help='folder of the logs; default: ./work_dirs/<name of the config>')
    parser.add_argument('--out', metavar='METRICS.json', help='write the metrics here')
    parser.add_argument('--dump', metavar='PREDICTIONS.npz', help='write the predictions here')
    parser.add_argument('--show-dir', metavar='DIR', help='write pictures of the predictions here')
    parser.add_argument('--submit', metavar='FILE',
                        help='write a submission file instead of evaluating; uses submit_evaluator and '
                             'submit_dataloader of the config')
    add_engine_arguments(parser)


def test_command(args) -> None:
    import json

    from mmengine.dist import is_main_process

    from ..engine.checkpoint import require_checkpoint
    from ..engine.config import check_config, choose_work_dir, load_config, user_errors
    from ..engine.options import Options
    from ..engine.runner import leave_process_group
    from ..files import atomic_write, finite_values, require_writable, require_writable_file
    from ..named_models import files_of_model
    from ..registry import RUNNERS
    set_local_rank(args)
    end_with_launcher(args.launcher)
    with user_errors():
        name = None
        if args.checkpoint is None:
            args.config, args.checkpoint, name = map(str, files_of_model(args.config))
        if '://' not in args.checkpoint:
            require_checkpoint(args.checkpoint)
        for path in filter(None, (args.out, args.dump, args.submit)):
            require_writable_file(path)
        if args.show_dir:
            require_writable(args.show_dir)
        cfg = load_config(args.config, Options.of(args.cfg_options))
        add_outputs(cfg, args)
        check_config(cfg, args.config, 'test')
        cfg.launcher, cfg.load_from, cfg.resume = args.launcher, args.checkpoint, False
        cfg.work_dir = choose_work_dir(args.work_dir or cfg.get('work_dir'), name or args.config)
        require_writable(cfg.work_dir, 'name another place with --work-dir')
        runner = RUNNERS.build(cfg)
        metrics = dict(runner.test())
        skipped = max((getattr(getattr(metric, 'skipped', None), 'reported', 0)
                       for metric in runner.test_evaluator.metrics), default=0)
        if skipped:
            metrics['skipped_frames'] = skipped
        if args.out and is_main_process():
            with atomic_write(args.out) as file:
                json.dump(finite_values(metrics), file, indent=2, allow_nan=False)
        leave_process_group()


def add_outputs(cfg, args) -> None:
    """Put what ``--dump``, ``--submit`` and ``--show-dir`` ask for in the config."""
    from ..evaluation.metric_facts import as_list, draw_predictions
    evaluators = as_list(cfg.get('test_evaluator'))
    if args.submit:
        if cfg.get('submit_evaluator') is None:
            raise KeyError('--submit needs submit_evaluator in the config, the metric that writes the file: '
                           "dict(type='BodySubmission') or dict(type='HandSubmission', challenge='freihand')")
        use_submit_data(cfg, cfg.filename)
        evaluators = [dict(cfg.submit_evaluator, out_file=args.submit)]
    if args.dump:
        evaluators.append(dict(type='DumpPredictions', out_file=args.dump))
    cfg.test_evaluator = evaluators
    if args.show_dir:
        draw_predictions(cfg, evaluators, args.show_dir)


def use_submit_data(cfg, filename: str) -> None:
    """Test on what ``submit_dataloader`` changes of ``test_dataloader``, without it on the test data as they are."""
    import copy
    import sys

    from ..engine.config import check_config
    data = cfg.get('test_dataloader', {}).get('dataset', {})
    if cfg.get('submit_dataloader') is None:
        print(f'--submit: {filename} has no submit_dataloader: the file gets the poses of test_dataloader '
              f'({data.get("type")}, split={data.get("split")!r}). For those of the challenge write '
              "submit_dataloader=dict(dataset=dict(split='test', template=...))", file=sys.stderr)
        return
    if cfg.submit_dataloader.get('dataset', {}).get('type', data.get('type')) != data.get('type'):
        data.clear()  # another data set, whose arguments are its own
    cfg.merge_from_dict(dict(test_dataloader=copy.deepcopy(cfg.submit_dataloader)))
    try:
        check_config(cfg, filename, 'test')
    except TypeError as error:
        raise TypeError(f'{error}. This is test_dataloader with the changes of submit_dataloader, which do not fit it: '
                        'give submit_dataloader.dataset a type and all its arguments, or set submit_dataloader=None '
                        'for the poses of test_dataloader') from error
