"""Put a trained model into the package: weights in half precision, a config that stands alone, facts, the NOTICE.

The words on it (what it reads and gives, data, terms, commands, which scores) are read from words/NAME.yml beside this
file, or --words. The scores are measured here, on what is written; --data-root is where their data lie.

    python tools/model_converters/publish.py configs/lifting/lifter.py work_dirs/lifter/iter_10000.pth --name lifter \
        --commit 0123abc --data-root data/cmu_ego_full.npz
"""
import argparse
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a checkout runs its own package

from mmegopose.engine import DictAction, load_config, user_errors
from mmegopose.export.publishing import publish_model, read_words
from mmegopose.named_models import SHIPPED, read_facts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config that trained it')
    parser.add_argument('checkpoint', help='its checkpoint; averaged weights are taken where EMAHook averaged')
    parser.add_argument('--name', required=True, help='name of the model, e.g. lifter')
    parser.add_argument('--words', metavar='FILE.yml', help='default: words/NAME.yml beside this file')
    parser.add_argument('--commit', help='of the code that trained it; default: that of this checkout')
    parser.add_argument('--data-root', metavar='PATH', help='data of the scores on this machine')
    parser.add_argument('--home', default=SHIPPED, type=Path, metavar='FOLDER', help='default: that of the package')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, default={}, metavar='KEY=VALUE',
                        help='changes of the config, e.g. of a path of this machine')
    args = parser.parse_args()
    with user_errors():
        words = read_words(args.words or Path(__file__).parent / 'words' / f'{args.name}.yml')
        commit = args.commit or subprocess.check_output(
            ['git', '-C', str(Path(__file__).parent), 'rev-parse', 'HEAD'], text=True).strip()
        folder = publish_model(load_config(args.config, args.cfg_options), args.checkpoint, args.name, words, commit,
                               args.data_root, args.home)
    facts = read_facts(folder)
    print(f'Wrote {folder}: {facts["num_parameters"]:,} parameters, {facts["bytes"] / 1e6:.2f} MB; reads '
          f'{", ".join(facts["streams"])}')
    for score in facts['scores']:
        print(f'  {score["measure"]}: {score["value"]} ({score["data"]})')


if __name__ == '__main__':
    main()
