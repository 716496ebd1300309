"""Predict the motion of people from a recording, and write it to a file for each of them.

The model decides what a recording is. Head tracks: an Aria MPS folder, a table (say whose axes with --preset), TUM,
EuRoC, COLMAP, StrayScanner, Record3D, arrays. 2D poses: files of rtmlib, mmpose, OpenPose, AlphaPose, MediaPipe,
Ultralytics, COCO, VideoPose3D. A video or pictures, whose 2D poses --detector finds. Content tells the kind.
Files are read by mmegopose.motion.Motion.load; one of another recording is written over only with --overwrite. Exit
status: 0 written, 1 nobody is in the recording, 2 a mistake.

A model is a name that mmegopose models lists, or what training writes: its work_dir, with a config and checkpoints, of
which the last one is taken. Without one the model of the package that reads such a recording is taken, if it has any.

Here: of mmegopose train mmegopose::levelwise_vit.py, mmegopose::lifting/stcformer_27_sample.py, a config of hands.

Examples:
    mmegopose predict hand.jpg --box 120 80 340 300 --hand left
    mmegopose predict mps_recording_vrs --model work_dirs/levelwise_vit
    mmegopose predict quest.csv --preset openxr --config my_config.py --checkpoint iter_500.pth --out walk.npz
    mmegopose predict openpose_folder --image-size 1920 1080 --fps 25 --model work_dirs/stcformer_27_sample
    mmegopose predict video.mp4 --model work_dirs/stcformer_27_sample --field-of-view 60 --frame world
    mmegopose predict hand.jpg --box 120 80 340 300 --hand left --model work_dirs/extpose-tiny_synthetic-hand
"""
import re
import sys
import warnings
from dataclasses import replace
from pathlib import Path

from ._shared.arguments import add_config
from ._shared.command_words import advice_in_command_words, command_words
from ._shared.existing_files import require_free

KINDS = dict(HeadPoseInferencer=('head tracks', ('preset', 'head_camera', 'wrists')),
             LiftingInferencer=('2D poses', ('image_size', 'skeleton', 'person', 'field_of_view', 'frame', 'detector')),
             MeshInferencer=('pictures', ('person', 'field_of_view', 'frame', 'detector', 'poses', 'box', 'hand')))
"""What each inferencer reads, and the arguments that only such a recording has."""
FILM_SUFFIXES = ('.mp4', '.mov', '.avi', '.mkv', '.webm', '.m4v')
GENERIC_NAMES = ('mps_recording_vrs', 'mps', 'slam', 'data', 'track', 'trajectory', 'odometry', 'images', 'image',
                 'poses', 'pose', 'keypoints', 'video', 'frames', 'recording', 'predictions', '0')
"""Recordings that are called so have the name of their folder in front of their own."""
COMMON = ('format', 'fps', 'smooth', 'constant_bones', 'floor')


def predict_arguments(parser) -> None:
    parser.add_argument('input', help='file or folder of a recording')
    model = parser.add_argument_group('model')
    model.add_argument('--model', metavar='NAME_OR_FOLDER',
                       help='a name of mmegopose models, or what training wrote, e.g. work_dirs/levelwise_vit: a '
                       'config and its last checkpoint; default: the model of the package for such a recording')
    add_config(model, '--config', metavar='CONFIG')
    model.add_argument('--checkpoint', metavar='FILE', help='checkpoint of that config')
    model.add_argument('--device', help='default: a GPU if there is one')
    model.add_argument('--precision', choices=['fp32', 'bf16'], default='fp32')
    model.add_argument('--engine', choices=['torch', 'compile', 'onnx'], default='torch',
                       help='what computes the networks; onnx is quicker for small models on a CPU')
    recording = parser.add_argument_group('recording')
    recording.add_argument('--format', help='kind of file; default: by its content')
    recording.add_argument('--fps', type=float, help='frames per second, where the file does not tell')
    recording.add_argument('--preset', help='head tracks: whose axes they are, e.g. openxr, unity, unreal, ros, opencv')
    recording.add_argument('--head-camera', metavar='DEVICE', help='head tracks: whose camera the model expects, '
                           'e.g. eyes, aria_gen1; default: that of its training data')
    recording.add_argument('--wrists', metavar='FILE', help='head tracks: places of the wrists, for a model that reads '
                           'them: of Aria MPS, hands in the camera (.json), a table with controllers, (N,2,3) in .npy '
                           'or .npz; default: those in an MPS folder')
    recording.add_argument('--image-size', nargs=2, type=int, metavar=('W', 'H'),
                           help='2D poses: pixels of the images, where the file does not tell')
    recording.add_argument('--skeleton', help='2D poses: of the keypoints, e.g. coco17, where the file does not tell')
    recording.add_argument('--detector', help='of 2D poses in a video or pictures: mediapipe, the default, or rtmlib')
    recording.add_argument('--person', choices=['all', 'longest', 'largest'], help='who, in a video; default: all')
    recording.add_argument('--field-of-view', type=float, metavar='DEGREES',
                           help='from the left to the right edge of the image; tells how far people are')
    recording.add_argument('--frame', choices=['root', 'camera', 'world'],
                           help='what joints are relative to; 2D poses: camera and world need --field-of-view')
    recording.add_argument('--poses', metavar='FILE', help='pictures: 2D poses of them, any file that is known')
    recording.add_argument('--box', nargs=4, type=float, metavar=('LEFT', 'TOP', 'RIGHT', 'BOTTOM'),
                           help='one picture: where the hand or person is, pixels')
    recording.add_argument('--hand', choices=['left', 'right'], help='pictures of one hand: which it is')
    recording.add_argument('--options', nargs='+', action='extend', metavar='KEY=VALUE',
                           help='more options of the reader: head_offset=eyes up=y unit=mm quaternion=wxyz')
    result = parser.add_argument_group('result')
    result.add_argument('--smooth', choices=['one_euro', 'savitzky_golay', 'gaussian'], help='filter in time')
    result.add_argument('--constant-bones', action='store_true', help='give bones one length')
    result.add_argument('--floor', action='store_true', help='put the floor at z = 0 (motions in the world)')
    result.add_argument('--out', default='predictions', metavar='FILE.npz_OR_FOLDER',
                        help='where to write; default: the folder ./predictions; hands of all pictures in one file, as '
                        '--wrists reads it: FILE.json')
    result.add_argument('--overwrite', action='store_true', help='write over files of other recordings')


def predict_command(args) -> int:
    if not Path(args.input).expanduser().exists():  # said before torch is loaded, which takes seconds
        print(f'error: there is no {args.input}', file=sys.stderr)
        return 2
    from ..engine.options import Options
    from ..errors import user_errors
    from ..inference import HandInferencer, load_inferencer
    from ._shared.prediction_notes import camera_sentence, doubts, wrist_sentence
    with user_errors(), advice_in_command_words():
        _check_numbers(args)
        base = _base_of(args)
        _require_free([base], args)
        if args.model is None and args.config is None and args.checkpoint is None:
            args.model = _shipped_for(args)
        predict = load_inferencer(args.config, args.checkpoint, model=args.model, device=args.device,
                                  precision=args.precision, engine=args.engine)
        if base.suffix == '.json' and not isinstance(predict, HandInferencer):
            raise ValueError(f'--out {args.out} is for models of hands: name a folder, or a file FILE.npz')
        kind = next((cls.__name__ for cls in type(predict).__mro__ if cls.__name__ in KINDS), type(predict).__name__)
        if kind == 'LiftingInferencer' and Path(args.input).suffix.lower() in FILM_SUFFIXES:
            args.detector = args.detector or 'mediapipe'
        options = _options_for(kind, args)
        if 'head_camera' in options:
            predict.head_camera = options.pop('head_camera')
        options.update(Options.of(args.options, '--options'))
        motions, notes = _call(predict, args.input, options)
        print(_read_sentence(args.input, motions, bool(notes)))
        for note in notes + doubts(motions):
            print(f'Warning: {note}', file=sys.stderr)
        if not motions:
            return 1
        for sentence in filter(None, (camera_sentence(motions[0]), wrist_sentence(motions[0]))):
            print(sentence)
        if base.suffix == '.json':
            print(_write_hands(motions, base))
            return 0
        files = _files_of(base, motions)
        _require_free(files, args)
        for motion, file in zip(motions, files):
            replace(motion, provenance=motion.provenance | dict(recording=_name_of(args))).save(file)
        print(_written_sentence(files, motions[0]))
    return 0


def _shipped_for(args) -> str:
    """Name of the model of the package that reads the recording, which is printed."""
    from ..inference.inputs.recording_kinds import inferencer_for
    from ..named_models import shipped_model
    own = {name: [kind for kind, (_, names) in KINDS.items() if name in names] for _, names in KINDS.values()
           for name in names}
    told = {kinds[0] for name, kinds in own.items() if len(kinds) == 1 and _given(args, name)}
    if args.detector == 'mediapipe_hands':
        told.add('MeshInferencer')
    model = shipped_model(told.pop() if len(told) == 1 else inferencer_for(args.input))
    print(f'Model: {model.name}, which comes with the package ({model.facts["task"]}); --model names another one.')
    return model.name


def _options_for(kind: str, args) -> dict:
    """Arguments that were given; ``ValueError`` for those of another kind of recording."""
    reads, own = KINDS.get(kind, (kind, ()))
    others = {name for _, names in KINDS.values() for name in names} - set(own)
    wrong = [f'--{name.replace("_", "-")}' for name in sorted(others) if _given(args, name)]
    if wrong:
        poses = '--poses' in wrong and kind == 'LiftingInferencer'
        hint = '; give the file of 2D poses as the recording' if poses else ''
        raise ValueError(f'{", ".join(wrong)}: the model reads {reads}, which have no such option{hint}')
    options = {name: getattr(args, name) for name in (*COMMON, *own) if _given(args, name)}
    if 'image_size' in options:
        options['image_size'] = tuple(options['image_size'])
    if 'box' in options:
        options['boxes'] = options.pop('box')
    if 'hand' in options:
        options['right'] = options.pop('hand') == 'right'
    return options


def _given(args, name: str) -> bool:
    return getattr(args, name) is not None and getattr(args, name) is not False


def _check_numbers(args) -> None:
    if args.fps is not None and not 0 < args.fps < float('inf'):
        raise ValueError(f'--fps should be positive, got {args.fps:g}')
    if args.field_of_view is not None and not 0 < args.field_of_view < 180:
        raise ValueError(f'--field-of-view should be between 0 and 180 degrees, got {args.field_of_view:g}')


def _call(predict, recording: str, options: dict) -> tuple[list, list]:
    """Motions, and what this package warned of; other warnings are shown as always."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        motions = predict(recording, **options)
    home, notes = str(Path(__file__).parents[1]), []
    for warning in caught:
        if warning.filename.startswith(home) and issubclass(warning.category, UserWarning):
            text, words = str(warning.message), command_words(str(warning.message))
            notes.append(f'{text}. {words}' if words else text)
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return motions, list(dict.fromkeys(notes))


def _read_sentence(recording: str, motions: list, doubtful: bool) -> str:
    if not motions:
        return f'Read {recording}: there is nobody {"left " * doubtful}in it, nothing is written.'
    frames = sum(map(len, motions))
    holes = sum(int((~motion.valid.any(1)).sum()) for motion in motions)
    filled = sum(int(motion.filled.sum()) for motion in motions)
    seconds = max(motion.time[-1] for motion in motions) - min(motion.time[0] for motion in motions)
    one, several = ('hand', 'hands') if motions[0].skeleton.startswith('hand') else ('person', 'people')
    people = f'{len(motions)} {several}' if len(motions) > 1 else f'1 {one}'
    each = f' ({" + ".join(str(len(motion)) for motion in motions)})' if 1 < len(motions) < 10 else ''
    told = f'{frames} frames{each} in {seconds:.2f} seconds' if frames > 1 else '1 frame'
    return (f'Read {recording}: {people}, {told}; '
            f'{holes or "no"} frames are holes without a pose, {filled or "none"} stand on input that was filled in.')


def _written_sentence(files: list, motion) -> str:
    names = ', '.join(map(str, files[:-1])) + (' and ' if len(files) > 1 else '') + str(files[-1])
    return (f'Wrote {names}: {motion.num_joints} joints of {motion.skeleton} in metres, relative to the '
            f'{motion.frame}' + (f', at {motion.fps:.4g} frames a second.' if len(motion) > 1 else '.'))


def _write_hands(motions: list, path: Path) -> str:
    """Write the hands of a recording to one file, and tell so."""
    from ..inference.inputs.hands import write_hand_predictions
    count = write_hand_predictions(motions, path)
    return f'Wrote {path}: {count} hands in the camera, for mmegopose predict TRACK --wrists {path}'


def _name_of(args) -> str:
    """The recording, as the provenance tells it."""
    return str(Path(args.input).expanduser().resolve())


def _base_of(args) -> Path:
    """The file of a recording of one person; ``ValueError`` or ``PermissionError`` if ``--out`` cannot be it."""
    from ..files import require_writable
    out, recording = Path(args.out).expanduser(), Path(_name_of(args))
    is_file = out.suffix.lower() in ('.npz', '.json')
    if is_file and out.is_dir() or not is_file and out.exists() and not out.is_dir():
        raise ValueError(f'--out {args.out} is a {"folder" if is_file else "file"}: name a folder, or a file FILE.npz')
    name = recording.name if recording.is_dir() else recording.stem
    if name.lower() in GENERIC_NAMES and recording.parent.name:
        name = f'{recording.parent.name}_{name}'
    base = out.with_suffix(out.suffix.lower()) if is_file else out / f'{name}.npz'
    folder = base.parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        raise ValueError(f'--out {args.out} cannot be made: {folder} is a file')
    require_writable(folder, 'name another place with --out')
    return base


def _require_free(files: list, args) -> None:
    """``ValueError`` if a file is the recording itself, or there already and not a prediction of this recording."""
    recording = Path(_name_of(args))
    for file in files:
        if file.resolve() == recording:
            raise ValueError(f'{file} is the recording itself: name another place with --out')
        require_free(file, str(recording), _recording_of, 'prediction', args.overwrite)


def _recording_of(file: Path) -> str | None:
    """The recording that a file is the prediction of, None if it is no prediction."""
    from ..motion import Motion
    try:
        return Motion.load(file).provenance.get('recording', 'something that it does not tell')
    except (ValueError, KeyError, TypeError, OSError):
        return None


def _files_of(base: Path, motions: list) -> list:
    """A file for each person: its name is added if there are several."""
    if len(motions) == 1:
        return [base]
    names = [re.sub(r'[^\w.-]+', '_', motion.person) for motion in motions]
    names = [f'{name}_{number}' if names.count(name) > 1 else name for number, name in enumerate(names)]
    return [base.with_name(f'{base.stem}_{name}.npz') for name in names]
