"""Places and indicators by their names: no id or code of a file stands on the page."""

from __future__ import annotations

import pytest

from experiments.dashboard.declared import declared_levers
from experiments.dashboard.place_names import place_title
from experiments.dashboard.session import missing_places, policy_names
from experiments.language import LANGUAGES, language
from experiments.language_schema import VALUES
from model.world import load_world


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_a_world_lacks_is_named_in_the_readers_language(lang: str) -> None:
    t, world = language(lang), load_world("template")
    lacking = {place for name in policy_names() for place in missing_places(name, world)}
    assert {"bulaevo", "tayynsha"} <= lacking
    for place in lacking:
        title = place_title(t, world, place)
        assert title != place
        assert title[0] != "@"
    assert place_title(t, world, "bulaevo") == {"en": "Bulaevo", "ru": "Булаево", "kk": "Булаев"}[lang]


def test_a_places_own_world_names_it_first() -> None:
    world = load_world("template")
    own = world.ids[0]
    assert place_title(language("ru"), world, own) == world.names("ru")[0]
    assert place_title(language("ru"), world, "nowhere") == "nowhere"  # all that is known of it


def test_everything_chosen_from_a_list_has_words() -> None:
    options = {
        option for keys in declared_levers().values() for key in keys.values() for option in key.options
    }
    assert len(options) > 20
    assert options <= VALUES.keys()
