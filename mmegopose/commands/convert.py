"""Convert results to files of other programs: Blender, Unity, OpenSim, spreadsheets, web pages.

The ending of the output says which: .bvh and .glb move a skeleton, .glb a body too; .json and .csv are numbers; .obj
and .ply are surfaces of one frame, or of many in a folder; .trc is for OpenSim; --format amass writes parameters of
SMPL to an .npz; .npz alone is the file of mmegopose predict.
Several inputs are the people of one recording: they go into one file where that can hold them, else each into its own.
It tells what is lost on the way. A file that is there is replaced only with --overwrite. Exit status: 0 written, 2 a
mistake.

Examples:
    mmegopose convert predictions/walk.npz walk.bvh
    mmegopose convert demo_0.npz demo_1.npz demo.glb
    mmegopose convert walk.npz walk.csv --skeleton h36m17 --fps 25 --start 2 --stop 8
    mmegopose convert hand.npz hand.obj --time 1.5
    mmegopose convert walk.npz walk.trc --unit mm
"""
import os
from pathlib import Path


def convert_arguments(parser) -> None:
    parser.add_argument('input', nargs='+', help='results of mmegopose predict, .npz; several: people of one recording')
    parser.add_argument('output', help='file; its ending is the format')
    parser.add_argument('--format', help='npz, json, csv, bvh, glb, obj, ply, trc or amass; default: by the ending')
    parser.add_argument('--skeleton', help='joints of another skeleton, e.g. h36m17')
    parser.add_argument('--fps', type=float, help='frames a second; default: those of the result')
    parser.add_argument('--start', type=float, metavar='SECONDS', help='first time, in the time of the recording')
    parser.add_argument('--stop', type=float, metavar='SECONDS', help='time before which it ends')
    parser.add_argument('--time', type=float, metavar='SECONDS', help='only the frame at this time')
    parser.add_argument('--frame-number', type=int, metavar='N', help='only this frame, from 0; -1 is the last one')
    parser.add_argument('--frame', choices=['world', 'camera', 'root'], help='move the joints into it')
    parser.add_argument('--unit', choices=['m', 'cm', 'mm'], help='of length, in files that state none; '
                        'default: bvh cm, others m')
    parser.add_argument('--overwrite', action='store_true', help='replace a file that is there')


def convert_command(args) -> int:
    from ..errors import user_errors
    from ..files import require
    from ..inference.writers import format_of, target_files, write_motion
    from ..motion import Motion
    with user_errors():
        format_of(args.output, args.format)  # a wrong ending is told before large files are read
        inputs = [require(file, 'name a file that mmegopose predict wrote') for file in args.input]
        motions = [Motion.load(file) for file in inputs]
        output = Path(args.output).expanduser()
        targets = [output, *(target for target, _ in target_files(motions, output, args.format))]  # one, if all others
        for target in targets:                                                                 # have nothing to write
            if os.path.realpath(target) in map(os.path.realpath, inputs):
                raise ValueError(f'{target} is the input itself: name another file')
        written = write_motion(
            motions, output, args.format, skeleton=args.skeleton, frame=args.frame, fps=args.fps, start=args.start,
            stop=args.stop, time=args.time, frame_number=args.frame_number, unit=args.unit, overwrite=args.overwrite)
        print(f'Wrote {", ".join(map(str, written.files))}.')
        for note in written.notes:
            print(f'  {note}')
    return 0
