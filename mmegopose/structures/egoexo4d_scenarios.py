"""Scenarios of Ego-Exo4D takes, read from their names."""

# The word in a take's name that tells its scenario, the scenario, and the first digit of its task id. In the order of
# the official evaluator: the first word that occurs in the name decides.
_WORDS = dict(basketball=('basketball', 6), bike=('bike', 4), cooking=('cooking', 1), dance=('dance', 9),
              soccer=('soccer', 8), cpr=('health', 2), covid=('health', 2), bouldering=('bouldering', 7),
              piano=('music', 5), violin=('music', 5), guitar=('music', 5), music=('music', 5))

SCENARIOS = (*dict.fromkeys(scenario for scenario, _ in _WORDS.values()), 'other')
PHYSICAL = frozenset({'soccer', 'basketball', 'dance', 'bouldering', 'music'})
PROCEDURAL = frozenset({'cooking', 'bike', 'health'})


def scenario_of(name: str) -> str:
    """Scenario of a take, e.g. ``'health'`` for ``'uniandes_covid_004_2'``; ``'other'`` if its name tells none."""
    word = _word(name)
    return _WORDS[word][0] if word else 'other'


def task_of(name: str) -> tuple[str, int]:
    """Word and first digit of the task id, e.g. ``('covid', 2)``; ``('unknown', 0)`` if the name tells none."""
    word = _word(name)
    return (word, _WORDS[word][1]) if word else ('unknown', 0)


def _word(name: str) -> str | None:
    name = name.lower()
    return next((word for word in _WORDS if word in name), None)
