"""Look at results: a page for the browser with the motion from all sides, or a film or a figure of it.

Results are files of mmegopose predict; several are the people of one recording, or what several models say of it. The
page is one file that needs no network and no program but a browser: hand it on. It plays, turns, and shows what was and
will be; it tells where there is no pose; with --truth it shows the truth, and the error over time to click on. --out
FILE.mp4 or .gif makes a film, FILE.png a figure.

A video from which the results were made is shown beside them, with the 2D keypoints, if it is still where it was;
--video names another one. The page lies beside the first result, unless --out says where; one of other results, or
another file, is written over only with --overwrite. Exit status: 0 written, 2 a mistake.

Examples:
    mmegopose show predictions/walk.npz --open
    mmegopose show predictions/walk.npz --truth walk_truth.npz --out walk.html
    mmegopose show demo_0.npz demo_1.npz --video demo.mp4
    mmegopose show predictions/walk.npz --out walk.gif
"""
import hashlib
import os
import re
import sys
import warnings
from pathlib import Path

from ._shared.existing_files import require_free

PAGE, FILM, FIGURE = '.html', ('.mp4', '.gif'), '.png'


def show_arguments(parser) -> None:
    parser.add_argument('result', nargs='+', help='files of mmegopose predict, .npz')
    parser.add_argument('--truth', nargs='+', metavar='FILE', help='the true motion, .npz: one for all results, or for '
                        'those of the person that it names; or one for each result')
    parser.add_argument('--video', metavar='FILE', help='video or picture of the results; default: that of the '
                        'recording')
    parser.add_argument('--out', metavar='FILE', help='.html, .mp4, .gif or .png; default: a page beside the first '
                        'result')
    parser.add_argument('--open', action='store_true', help='open it, a page in the browser')
    parser.add_argument('--overwrite', action='store_true', help='write over a file that is there')


def show_command(args) -> int:
    from ..errors import user_errors
    from ..files import require, require_writable
    from ..motion import Motion
    with user_errors():
        files, truths = ([require(file, 'name a file that mmegopose predict wrote').resolve() for file in given]
                         for given in (args.result, args.truth or ()))
        out = _target(args.out, files[0])
        if Path(os.path.realpath(out)) in (*files, *truths):
            raise ValueError(f'{out} is a result itself: name another place with --out')
        mark, results = _mark(files), ' and '.join(file.name for file in files)
        kind = 'page' if out.suffix.lower() == PAGE else 'file that tells what it is of'
        require_free(out, results, lambda file: _source_of(file, {mark: results}), kind, args.overwrite)
        require_writable(out, 'name another place with --out')
        motions = [Motion.load(file) for file in files]
        known = _truths([Motion.load(file) for file in truths], motions, files)
        pictures, notes = _pictures_of(args.video, motions)
        notes += _short_truths(motions, known)
        told = _write(out, motions, known, pictures, dict(
            names=_names(motions, files), title=_title(motions, files), notes=notes, source=mark))
        print(f'Wrote {out} ({out.stat().st_size / 1e6:.2f} MB){told[0]}')
        for note in told[1]:
            print(f'  {note}')
        if pictures is not None and args.video is None:
            print(f'  {_recording(motions)} is shown in it, because the result names it.')
        if args.open:
            import webbrowser
            if not webbrowser.open(out.absolute().as_uri()):
                print(f'no browser could be opened: open {out} yourself', file=sys.stderr)
    return 0


def _write(out: Path, motions: list, truths: list, pictures, options: dict) -> tuple[str, list]:
    """Write a file of the kind that its ending says; more of the sentence that tells it, and notes."""
    from rich.console import Console
    from rich.progress import track

    from ..files import atomic_write
    from ..visualization import draw_motion, write_video
    from ..visualization.page import write_page
    kind, notes = out.suffix.lower(), options['notes']
    if kind == PAGE:
        console = Console(stderr=True)
        shown = None if pictures is None else track(pictures, 'pictures', pictures.num_frames, console=console,
                                                    transient=True, disable=not console.is_terminal)
        facts = write_page(motions, out, truth=truths, pictures=shown, **options)
        errors = [f'{name} {100 * error:.1f} cm' for name, error in facts['mean_errors'].items() if error is not None]
        return f'; mean error: {", ".join(errors[:8])}.' if errors else ': open it in a browser.', facts['notes']
    if kind in FILM:
        write_video(motions, out, truth=truths, video=pictures)
    else:
        with atomic_write(out, 'wb') as file, warnings.catch_warnings():
            warnings.filterwarnings('ignore', 'Glyph')  # of letters that the font does not have
            draw_motion(motions, truth=truths, title=options['title']).savefig(file, format='png')
    return '.', notes


def _target(out: str | None, first: Path) -> Path:
    """The file to write; ``ValueError`` for an ending that is not known."""
    if out is None:
        return first.with_suffix('.html')
    target = Path(out).expanduser()
    if target.is_dir() or not target.suffix:
        return target / f'{first.stem}.html'
    if target.suffix.lower() not in (PAGE, *FILM, FIGURE):
        raise ValueError(f'--out {out} should end in .html, .mp4, .gif or .png')
    return target


def _mark(files: list) -> str:
    """What tells a page of the same results, without telling where they are."""
    return hashlib.sha256('\n'.join(map(str, files)).encode()).hexdigest()[:32]


def _source_of(page: Path, results: dict) -> str | None:
    """The results that a page is of, by its mark; None if it is no page of this command."""
    try:
        with open(page, encoding='utf-8', errors='replace') as file:
            found = re.search(r'<meta name="generator" content="mmegopose show (\w*)">', file.read(2000))
    except OSError:
        return None
    return found and results.get(found[1], 'other results')


def _names(motions: list, files: list) -> list | None:
    """Names of files, where those of people do not tell who is who; None: where they do."""
    persons = [motion.person for motion in motions]
    return None if len(set(persons)) == len(persons) else [file.stem for file in files]


def _title(motions: list, files: list) -> str:
    return Path(_recording(motions)).name or files[0].stem


def _recording(motions: list) -> str:
    """The recording of all motions, '' if they do not name one."""
    recordings = [motion.provenance.get('recording') for motion in motions]
    first = recordings[0]
    return first if isinstance(first, str) and '\0' not in first and all(one == first for one in recordings) else ''


def _truths(truths: list, motions: list, files: list) -> list:
    """The truth of each motion, or None; ``ValueError`` if it is not clear whose it is."""
    if not truths:
        return [None] * len(motions)
    if len(truths) == len(motions):
        return truths
    if len(truths) > 1:
        raise ValueError(f'--truth has {len(truths)} files for {len(motions)} results: name one, or one for each')
    persons = {motion.person for motion in motions}
    if len(persons) == 1:
        return truths * len(motions)
    if truths[0].person not in persons:
        raise ValueError(f'--truth is of {truths[0].person or "nobody in particular"!r}, the results are of '
                         f'{", ".join(map(repr, sorted(persons)))}: name a file for each result, in their order')
    return [truths[0] if motion.person == truths[0].person else None for motion in motions]


def _short_truths(motions: list, truths: list) -> list:
    """A note for each truth that does not last as long as the motion."""
    told = []
    for motion, truth in zip(motions, truths):
        if truth is not None and len(motion) and len(truth):
            both = min(motion.time[-1], truth.time[-1]) - max(motion.time[0], truth.time[0])
            if 0 <= both < motion.duration - 2.5 / min(motion.fps, truth.fps):
                told.append(f'The truth is known for {both:.1f} of {motion.duration:.1f} s: errors are those of that '
                            'time.')
    return list(dict.fromkeys(told))


def _pictures_of(given: str | None, motions: list) -> tuple:
    """The pictures that the motions are of, with their times, or None; and notes that tell why not."""
    from ..inference.inputs.image_sources import is_video, open_images
    from ..inference.inputs.picture_files import PICTURE_SUFFIXES
    fps = _rate(motions)
    if given is not None:
        return open_images(given, fps if is_video(given) else None), []
    recording = Path(_recording(motions))
    if not is_video(recording) and recording.suffix.lower() not in PICTURE_SUFFIXES:
        return None, []
    if not recording.is_file():
        return None, [f'{recording.name} is no longer where it was, so it is not shown: name it with --video.']
    return open_images(recording, fps if is_video(recording) else None), []


def _rate(motions: list) -> float | None:
    """Frames per second of a video whose frames were taken as evenly spaced; None: its own times are the motions'."""
    import numpy as np
    fps, time = motions[0].provenance.get('fps'), motions[0].time
    if not isinstance(fps, (int, float)) or not 0 < fps < 1e5:
        return None
    number = time * fps
    return float(fps) if np.abs(number - np.round(number)).max(initial=0) < 0.01 else None
