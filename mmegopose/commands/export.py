"""Write a trained model as an ONNX file with all that comes before and after it, for a headset or a phone.

Poses of a headset go in, joints in its world come out: the file does what mmegopose predict does, and says itself what
it takes and gives (metadata_props). It is run in ONNX Runtime and compared with the model before it is written.
docs/deployment.md tells how to call it. Exit status: 0 written, 2 a mistake, or a file that differs from the model.

Examples:
    mmegopose export --model work_dirs/levelwise_vit --out levelwise.onnx --example run_head_pose.py
    mmegopose export --model work_dirs/levelwise_vit --preset openxr --out quest.onnx
    mmegopose export --model work_dirs/stcformer_27_sample --skeleton coco17 --out lifter.onnx
"""
from pathlib import Path

from ..files import atomic_write, require_writable
from ._shared.arguments import add_config
from ._shared.command_words import advice_in_command_words
from ._shared.existing_files import require_free

EXAMPLE = Path(__file__).parents[1] / 'export' / 'run_head_pose.py'
OWN = dict(HeadPoseInferencer=('preset',), LiftingInferencer=('skeleton', 'fps', 'flip'))
"""Arguments that only models of an inferencer have."""


def export_arguments(parser) -> None:
    model = parser.add_argument_group('model')
    model.add_argument('--model', metavar='NAME_OR_FOLDER',
                       help='a name of mmegopose models, or what training wrote, e.g. work_dirs/levelwise_vit: a '
                       'config and its last checkpoint')
    add_config(model, '--config', metavar='CONFIG')
    model.add_argument('--checkpoint', metavar='FILE', help='checkpoint of that config')
    inputs = parser.add_argument_group('what will go in')
    inputs.add_argument('--preset', help='head tracks: whose axes they are, e.g. openxr, unity, unreal, ros, opencv')
    inputs.add_argument('--options', nargs='+', action='extend', metavar='KEY=VALUE',
                        help='head tracks: up=y unit=mm device=aria_gen1 head_offset=...')
    inputs.add_argument('--skeleton', help='2D poses: of the keypoints, e.g. coco17; default: that of the model')
    inputs.add_argument('--fps', type=float, help='2D poses: frames per second, for how long holes are filled; '
                        'default: 30')
    inputs.add_argument('--no-flip', dest='flip', action='store_false', default=None,
                        help='2D poses: do not average with the mirror image; half the time, less accurate')
    result = parser.add_argument_group('result')
    result.add_argument('--out', default='model.onnx', metavar='FILE.onnx', help='where to write; default: model.onnx')
    result.add_argument('--overwrite', action='store_true', help='write over the file of another model')
    result.add_argument('--example', metavar='FILE.py', help='head tracks: also write a program of 40 lines that runs '
                        'the model without mmegopose')
    result.add_argument('--no-check', action='store_true', help='do not compare the file with the model')


def export_command(args) -> int:
    from ..engine.options import Options
    from ..errors import user_errors
    from ..export import export_model, ported, require_onnx
    from ..export.onnx_file import check_place, facts_of
    from ..inference import load_inferencer
    with user_errors(), advice_in_command_words():
        require_onnx()
        out = check_place(args.out)
        inferencer = load_inferencer(args.config, args.checkpoint, model=args.model, device='cpu', progress=False)
        require_free(out, _checkpoint_of(inferencer.provenance), lambda file: _checkpoint_of(facts_of(file) or {}),
                     'export', args.overwrite)
        module = ported(inferencer, **_options_for(type(inferencer).__name__, args),
                        **Options.of(args.options, '--options'))
        example = _example_of(module, args)
        exported = export_model(module, out, check=not args.no_check)
        print(_written_sentence(exported))
        if example is not None:
            with atomic_write(example) as file:
                file.write(EXAMPLE.read_text(encoding='utf-8'))
            print(f'Wrote {example}: python {example} {out} POSES.csv')
        width = max(map(len, [*module.ports_in, *module.ports_out])) + 2
        for name, port in module.ports_in.items():
            print(f'  in   {name:{width}}{_shape(port):18}{port.meaning}')
        for name, port in module.ports_out.items():
            print(f'  out  {name:{width}}{_shape(port):18}{port.meaning}')
    return 0


def _example_of(module, args) -> Path | None:
    """Where the program is to be written; ``ValueError`` if there is none for the model, or another file is there."""
    if args.example is None:
        return None
    if not module.state:
        raise ValueError('--example: the program is for models of head tracks')
    file = Path(args.example).expanduser()
    if file.suffix != '.py':
        raise ValueError(f'--example {args.example} should be a file that ends in .py')
    if file.exists() and not args.overwrite and file.read_bytes() != EXAMPLE.read_bytes():
        raise ValueError(f'{file} is there already: name another place with --example, or write over it with '
                         '--overwrite')
    require_writable(file)
    return file


def _options_for(kind: str, args) -> dict:
    """Arguments that were given; ``ValueError`` for those of another kind of model."""
    names = {name for own in OWN.values() for name in own}
    given = {name: getattr(args, name) for name in sorted(names) if getattr(args, name) is not None}
    if wrong := [f'--{name.replace("_", "-")}' for name in given if name not in OWN.get(kind, ())]:
        raise ValueError(f'{", ".join(wrong)}: this model has no such option')
    return given


def _checkpoint_of(facts: dict) -> str | None:
    """The checkpoint that facts of a model tell, None: they tell none."""
    digest = facts.get('checkpoint_sha256')
    return digest and f'{facts["checkpoint"]}, SHA-256 {digest[:16]}'


def _written_sentence(exported) -> str:
    files = ' and '.join(map(str, exported.files))
    size = sum(Path(file).stat().st_size for file in exported.files) / 1e6
    told = 'not compared with the model' if exported.difference is None else \
        f'it differs from the model by {exported.difference:.1g} m at most'
    return f'Wrote {files} ({size:.1f} MB): {told}.'


def _shape(port) -> str:
    return f'({",".join(map(str, port.shape))})'
