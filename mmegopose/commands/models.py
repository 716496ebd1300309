"""List the models that have a name: those that come with the package, and yours.

A name goes wherever a model is asked for: mmegopose predict walk.csv --model NAME, mmegopose test NAME, and in Python
load_inferencer('NAME'), load_model('NAME'). A folder of yours with a config and a checkpoint has a name, too, once it
lies in the folder models of the cache (MMEGOPOSE_CACHE, or ~/.cache/mmegopose).

Examples:
    mmegopose models
    mmegopose models NAME                           # all that is known of it
"""
import warnings


def models_arguments(parser) -> None:
    parser.add_argument('name', nargs='?', help='of one model: all its facts')


def models_command(args) -> None:
    detailed, warnings.formatwarning = warnings.formatwarning, lambda message, *_: f'warning: {message}\n'
    try:
        _list(args.name)
    except Exception:
        from ..errors import user_errors  # which loads torch: seconds
        with user_errors():
            raise
    finally:
        warnings.formatwarning = detailed


def _list(name: str | None) -> None:
    from ..named_models import FACTS, find_model, model_folders, named_models, read_facts
    models = named_models()
    if name is not None:
        folder = find_model(name)[0].parent
        print(f'{folder}:')
        read_facts(folder)  # tells what is wrong with it
        print(_shown((folder / FACTS).read_text(encoding='utf-8').rstrip()) if (folder / FACTS).is_file()
              else f'it has no {FACTS}, which would tell more')
        return
    if not models:
        print('No model has a name yet.')
    for model in models:
        print(_shown('\n'.join(_lines(model))))
    print(f'Yours: folders in {model_folders()[-1]}')


def _lines(model) -> list[str]:
    """What is shown of a model."""
    facts, whose = model.facts, 'comes with the package' if model.shipped else 'yours'
    if not facts:
        return [f'{model.name} ({whose})', f'    {model.folder}']
    size = f'{(facts.get("num_parameters") or 0) / 1e6:.2f} M parameters, {_bytes_of(model.folder) / 1e6:.1f} MB'
    if model.name != model.folder.name:
        size = f'the weights of {model.folder.name}'
    rows = [('reads', facts.get('reads')), ('gives', facts.get('gives')), ('size', size),
            *(('score', f'{score["measure"]}: {score["value"]:g}, {score["data"]}')
              for score in (facts.get('scores') or [])[:3]),
            ('trained on', facts.get('trained_on')), ('terms', facts.get('terms'))]
    return [f'{model.name}: {facts.get("task", "")} ({whose})',
            *(f'    {name:10} {told}' for name, told in rows if told)]


def _bytes_of(folder) -> int:
    """Of the weights that are there, whatever the facts say."""
    return sum(path.stat().st_size for path in folder.glob('*.pth'))


def _shown(text: str) -> str:
    """Text of files that others wrote, without what would steer a terminal."""
    return ''.join(letter if letter.isprintable() or letter == '\n' else '?' for letter in text)
