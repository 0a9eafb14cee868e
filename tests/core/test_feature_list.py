"""The page of all texture features says what the program computes."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from napari_muscle_us.measure.texture.families import all_features
from napari_muscle_us.measure.texture.settings import FAMILIES

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location(
        "make_feature_list", DOCS / "make_feature_list.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_program_says(script):
    written = (DOCS / "texture-features.md").read_text(encoding="utf-8")

    assert written == script.page(), "run python docs/make_feature_list.py"


def test_every_feature_is_there_once_with_its_code_and_meaning(script):
    text = script.page()

    for key, feature in all_features().items():
        assert len(re.findall(rf"^- \*\*.*`{re.escape(key)}`", text, re.M)) == 1
        assert feature.meaning in text
        assert f"$`{feature.formula}`$" in text
        assert f"`{key}` · {f'IBSI {feature.ibsi}' if feature.ibsi else 'not'}" in text


def test_every_family_explains_its_symbols(script):
    assert tuple(script.SYMBOLS) == FAMILIES
    assert all(text.endswith(".") for text in script.SYMBOLS.values())


def test_links_to_the_families_lead_to_their_headings(script):
    text = script.page()
    headings = {script._anchor(h) for h in re.findall(r"^## (.+)$", text, re.M)}

    assert set(re.findall(r"\]\(#([^)]+)\)", text)) == headings
    assert len(headings) == len(FAMILIES)


@pytest.mark.parametrize("feature", all_features().values(), ids=all_features())
def test_a_meaning_is_one_plain_sentence(feature):
    assert re.fullmatch(r"[A-Z0-9][^\n.]{20,}\.", feature.meaning)
    # British spelling, as everywhere in the program but for "gray".
    assert not re.search(r"normaliz|neighbor|color|grey", feature.meaning)
