"""The command ``mmegopose``: pages, mistakes, and the same work as ``tools/``."""
import os
import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from mmegopose import __version__
from mmegopose.cli import main
from mmegopose.commands import command_names, command_of, doctor
from mmegopose.engine import check_config, load_config
from mmegopose.files import require_writable

ROOT = Path(__file__).parents[1]
SLOW_IMPORTS = ('torch', 'numpy', 'mmengine', 'cv2', 'yaml', 'rich')


def process(*arguments, cwd, **options):
    env = dict(os.environ, PYTHONPATH=str(ROOT))
    return subprocess.run([sys.executable, *map(str, arguments)], cwd=cwd, env=env, capture_output=True, text=True,
                          **options)


def page(capsys, *arguments) -> str:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 0
    return capsys.readouterr().out


def test_help_loads_nothing_heavy(tmp_path):
    """All pages, for all arguments are known when one page is printed; 0.3 s of processor time are far too many."""
    program = "import sys; from mmegopose.cli import main; main([]); print('loaded', *sys.modules)"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = process('-c', program, cwd=tmp_path)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    loaded = done.stdout.split('loaded ')[1].split()
    assert 'mmegopose.commands.train' in loaded and not set(SLOW_IMPORTS) & set(loaded)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.3


def test_models_are_listed_without_torch(tmp_path):
    program = "import sys; from mmegopose.cli import main; main(['models']); print('loaded', *sys.modules)"
    listed, loaded = process('-c', program, cwd=tmp_path).stdout.split('loaded ')
    assert 'lifter' in listed and not {'torch', 'numpy', 'mmengine'} & set(loaded.split())


def test_a_folder_that_is_there_is_refused_before_torch_is_loaded(tmp_path):
    (tmp_path / 'file').touch()
    program = ("import sys; from mmegopose.cli import main\ntry: main(['synthesize', '--out', sys.argv[1]])\n"
               "except SystemExit as left: print(left.code, *sys.modules)")
    done = process('-c', program, str(tmp_path), cwd=tmp_path)
    status, *loaded = done.stdout.split()
    assert status == '2' and 'not an empty folder' in done.stderr and not set(SLOW_IMPORTS) & set(loaded)


def test_a_sample_is_rendered_without_what_only_training_and_figures_need(tmp_path):
    """The hooks of mmengine load what torch has for many processes; that, matplotlib and SciPy took three seconds."""
    program = ("import sys; from mmegopose.cli import main\nmain(['synthesize', '--out', 'new', '--takes', '3', "
               "'--frames', '1', '--size', '16', '--fisheye', '0'])\nprint('loaded', *sys.modules)")
    loaded = process('-c', program, cwd=tmp_path).stdout.split('loaded ')[1].split()
    assert 'torch' in loaded and not {'matplotlib', 'mmengine.hooks', 'mmengine.runner', 'torch.distributed.fsdp',
                                      'scipy.signal', 'scipy.spatial'} & set(loaded)


def test_the_first_page_lists_all_commands(capsys):
    text = page(capsys, '--help')
    for name in command_names():
        assert re.search(rf'\n    {name}\s', text)  # a long name has a line of its own
    assert {'train', 'test', 'submit', 'doctor'} <= set(command_names()) and 'Examples:' in text
    assert page(capsys, '--version') == f'mmegopose {__version__}\n'
    assert main([]) == 2 and capsys.readouterr().out == text


@pytest.mark.parametrize('name', command_names())
def test_every_command_has_a_page_with_examples(name, capsys):
    text, summary = page(capsys, name, '--help'), command_of(name)[0].splitlines()[0]
    assert summary in text and f'Examples:\n    mmegopose {name}' in text
    assert max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize('typed, answer', [
    ('trian', "there is no command 'trian'; nearest: train"),
    ('frobnicate', f"there is no command 'frobnicate'; there are {', '.join(command_names())}")])
def test_an_unknown_command_is_answered_with_the_nearest(typed, answer, capsys):
    with pytest.raises(SystemExit) as left:
        main([typed, '--whatever'])
    assert left.value.code == 2 and answer in capsys.readouterr().err


@pytest.mark.parametrize('arguments, answer', [
    (['mmegopose::levelwse_vit.py'], 'no config mmegopose::levelwse_vit.py; nearest: mmegopose::levelwise_vit.py'),
    (['mmegopose::levelwise_vit.py', '--cfg-options', 'quick'], "--cfg-options 'quick' is not KEY=VALUE")])
def test_mistakes_are_one_line(arguments, answer, capsys):
    with pytest.raises(SystemExit) as left:
        main(['train', *arguments])
    errors = capsys.readouterr().err
    assert left.value.code == 2 and errors.startswith('error: ') and answer in errors and errors.count('\n') == 1


def test_the_module_is_the_command_and_tools_are_too(tmp_path):
    commands = [['-m', 'mmegopose', 'train'], [ROOT / 'tools/train.py']]
    pages = [process(*command, '--help', cwd=tmp_path) for command in commands]
    assert pages[0].returncode == 0 and pages[0].stdout == pages[1].stdout and 'mmegopose train' in pages[0].stdout


CONFIG = 'mmegopose::head_pose/levelwise_vit_coarse_only.py'


@pytest.fixture
def nobody():
    """This process may do what a user without rights may; what it imports is imported before."""
    check_config(load_config(CONFIG), CONFIG, 'test')
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_place_without_permission_is_told_before_the_work(nobody):
    for place in ('/proc/work', '/metrics.json', '/etc/passwd'):
        with pytest.raises(PermissionError, match=f'{place} cannot be written, because .* not yours.*: name another'):
            require_writable(place)
    require_writable('/tmp/new/folder')


@pytest.mark.parametrize('command', [['train', CONFIG, '--work-dir'], ['test', CONFIG, __file__, '--out']])
def test_training_and_testing_without_permission(command, nobody, capsys):
    with pytest.raises(SystemExit) as left:
        main([*command, '/proc/somewhere'])
    assert left.value.code == 2
    assert 'error: /proc/somewhere cannot be written, because /proc is not yours' in capsys.readouterr().err


def test_a_config_without_permission_is_told(nobody, capsys):
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, 'config.py')
        config.touch(mode=0)
        with pytest.raises(SystemExit) as left:
            main(['train', str(config)])
    assert left.value.code == 2
    assert f'error: {config}: no permission to read or change it; choose another' in capsys.readouterr().err


def test_doctor_is_content_here(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(['doctor']) == 0
    text = capsys.readouterr().out
    assert f'mmegopose {__version__} in {ROOT}' in text and 'Ready: nothing is missing.' in text
    assert os.environ['MMEGOPOSE_CACHE'] in text and 'torch uses' in text


def test_doctor_tells_what_is_missing_and_the_command_that_gets_it(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, 'rich', None)
    monkeypatch.setattr(doctor, '_wanted', lambda: {'numpy': '<1.0', 'rich': '>=3'})
    monkeypatch.setenv('MMEGOPOSE_CACHE', '/proc/cache')
    assert main(['doctor']) == 1
    problems = [line for line in capsys.readouterr().out.splitlines() if line.startswith('PROBLEM')]
    assert len(problems) == 3 - (os.geteuid() == 0)
    assert problems[0].startswith('PROBLEM: numpy ') and problems[0].endswith('is not <1.0: pip install "numpy<1.0"')
    assert problems[1].startswith('PROBLEM: rich cannot') and problems[1].endswith('pip install "rich>=3"')


def test_doctor_knows_all_packages_that_are_required_and_all_data_of_the_configs():
    required = re.search(r'install_requires=\[(.*?)\]', (ROOT / 'setup.py').read_text(), re.DOTALL)[1]
    names = re.findall(r"'([a-z-]+)", required) + ['mmcv-lite']
    assert sorted(names) == sorted(doctor.MODULES)
    text = '\n'.join(path.read_text() for path in (ROOT / 'configs/_base_').rglob('*.py'))
    places = {place for place in re.findall(r"'(data/[^'{]+)'", text)}
    assert places and places <= set(doctor.DATA)


def test_an_unknown_option_is_told_with_the_usage_of_its_command(capsys):
    with pytest.raises(SystemExit) as exit_:
        main(['show', 'walk.npz', '--truht', 'truth.npz'])
    told = capsys.readouterr().err
    assert exit_.value.code == 2 and 'usage: mmegopose show' in told
    assert "'--truht' is not known; nearest: --truth" in told


def test_ctrl_c_while_a_command_loads_is_one_word(monkeypatch, capsys):
    def stopped(args):
        raise KeyboardInterrupt

    monkeypatch.setattr('mmegopose.cli.command_of', lambda name: ('Page.', lambda parser: None, stopped))
    assert main(['models']) == 130
    assert capsys.readouterr().err == 'stopped\n'
    monkeypatch.setenv('MMEGOPOSE_TRACEBACK', '1')
    with pytest.raises(KeyboardInterrupt):
        main(['models'])
