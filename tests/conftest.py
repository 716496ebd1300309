import os

import pytest
from helpers.egoexo_fixture import write_dataset


@pytest.fixture(scope='session', autouse=True)
def cache(tmp_path_factory):
    """Parsed files and the written sample go to a temporary cache."""
    os.environ['MMEGOPOSE_CACHE'] = str(tmp_path_factory.mktemp('cache'))


@pytest.fixture(scope='session')
def egoexo(tmp_path_factory):
    """Root of the synthetic Ego-Exo4D data set; read only."""
    root = tmp_path_factory.mktemp('egoexo')
    write_dataset(root)
    return root
