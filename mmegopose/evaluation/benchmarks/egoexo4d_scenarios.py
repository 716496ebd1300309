"""Scenarios of Ego-Exo4D takes, read from their names."""

# In the order of the official evaluator: the first word that occurs in the name decides.
_WORDS = dict(basketball='basketball', bike='bike', cooking='cooking', dance='dance', soccer='soccer', cpr='health',
              covid='health', bouldering='bouldering', piano='music', violin='music', guitar='music', music='music')

SCENARIOS = tuple(dict.fromkeys(_WORDS.values())) + ('other',)
PHYSICAL = frozenset({'soccer', 'basketball', 'dance', 'bouldering', 'music'})
PROCEDURAL = frozenset({'cooking', 'bike', 'health'})


def scenario_of(take_name: str) -> str:
    """Scenario of a take, e.g. ``'health'`` for ``'uniandes_covid_004_2'``; ``'other'`` if its name tells none."""
    name = take_name.lower()
    return next((scenario for word, scenario in _WORDS.items() if word in name), 'other')
