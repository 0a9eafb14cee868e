"""The body map: muscles on the body, sides of the person, colours to be read."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from napari_muscle_us import load_reference
from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.muscles import STANDARD_MUSCLES
from napari_muscle_us.reference.examination.body_map import (
    MUSCLE_REGIONS,
    NOT_MEASURED,
    body_outline,
    draw_body_map,
    draw_z_bars,
    face_lines,
    regions_for,
    z_by_place,
    z_colours,
)
from napari_muscle_us.reference.examination.examination import examine
from napari_muscle_us.reference.subject import Subject

# Above or below one another on the same view, as anatomy has them.
DOWN_THE_BODY = [
    ("Sterno cleido", "Deltoideus"),
    ("Deltoideus", "Biceps brachii"),
    ("Biceps brachii", "Brachioradialis"),
    ("Brachioradialis", "Abductor pollicis brevis"),
    ("Diaphragm", "Rectus abdominis"),
    ("Iliopsoas", "Rectus femoris prox"),
    ("Rectus femoris prox", "Rectus femoris"),
    ("Vastus lateralis prox", "Vastus lateralis"),
    ("Vastus lateralis", "Vastus lateralis dist"),
    ("Vastus medialis", "Tibialis anterior"),
    ("Tibialis anterior", "Peroneus tertius"),
    ("Peroneus tertius", "Extensor digitorum brevis"),
    ("Trapezius", "Triceps brachii"),
    ("Triceps brachii", "Extensors underarm"),
    ("Extensors underarm", "Interosseus dorsalis I"),
    ("Biceps femoris", "Gastrocnemius lateral head"),
    ("Gastrocnemius medial head", "Soleus"),
    ("Procerus", "Nasalis"),
    ("Nasalis", "Orbicularis oris"),
    ("Orbicularis oris", "Depressor anguli oris"),
    ("Depressor anguli oris", "Geniohyoideus"),
    ("Temporalis", "Masseter"),
]

# The first lies further from the midline.
OUTWARDS = [
    ("Vastus lateralis", "Vastus medialis"),
    ("Biceps femoris", "Semitendinosus"),
    ("Gastrocnemius lateral head", "Gastrocnemius medial head"),
    ("Brachioradialis", "Flexor digitorum profundus"),
    ("Deltoideus", "Rectus abdominis"),
    ("Digastricus", "Geniohyoideus"),
    ("Masseter", "Orbicularis oris"),
    ("Peroneus tertius", "Tibialis anterior"),
]


def centre(muscle):
    return np.mean(MUSCLE_REGIONS[muscle].polygon, axis=0)


def inside(point, polygon):
    """Tell whether a point is inside, by counting edges to its right."""
    x, y = point
    crossings = 0
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) * (x1 - x0) / (y1 - y0):
            crossings += 1
    return crossings % 2 == 1


def area(polygon):
    x, y = np.asarray(polygon).T
    return abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def test_every_standard_muscle_is_on_the_map_and_nothing_else():
    assert set(MUSCLE_REGIONS) == set(STANDARD_MUSCLES)


@pytest.mark.parametrize("muscle", STANDARD_MUSCLES)
def test_a_muscle_lies_on_the_body(muscle):
    for region in regions_for(muscle):
        outline = body_outline(region.view)
        # The edge may touch the skin, a belly does not hang outside.
        grown = (np.asarray(region.polygon) - centre_of(region)) * 0.85
        assert all(inside(p, outline) for p in grown + centre_of(region))
        assert 3e-5 < area(region.polygon) < 0.02


def centre_of(region):
    return np.mean(region.polygon, axis=0)


@pytest.mark.parametrize("muscle", STANDARD_MUSCLES)
def test_no_muscle_hides_the_middle_of_another(muscle):
    region = MUSCLE_REGIONS[muscle]
    # The ring of the mouth has its middle in the mouth, where the tongue is.
    others = set(MUSCLE_REGIONS) - {muscle, "Orbicularis oris"}
    for other in others:
        if MUSCLE_REGIONS[other].view == region.view:
            assert not inside(centre(other), np.asarray(region.polygon)), other


@pytest.mark.parametrize(("upper", "lower"), DOWN_THE_BODY)
def test_muscles_are_in_order_down_the_body(upper, lower):
    assert MUSCLE_REGIONS[upper].view == MUSCLE_REGIONS[lower].view
    assert centre(upper)[1] < centre(lower)[1]


@pytest.mark.parametrize(("outer", "inner"), OUTWARDS)
def test_muscles_are_in_order_from_the_midline(outer, inner):
    assert abs(centre(outer)[0]) > abs(centre(inner)[0])


@pytest.mark.parametrize("muscle", STANDARD_MUSCLES)
def test_right_is_the_persons_right(muscle):
    (right,) = regions_for(muscle, "right")
    (left,) = regions_for(muscle.upper(), "left")
    sign = 1 if right.view == "back" else -1
    assert all(sign * x > 0 for x, _ in right.polygon)
    assert left == right.mirrored()
    assert regions_for(muscle) == (right, left)


def test_what_is_not_on_the_map_has_no_region():
    assert regions_for("Gluteus maximus", "left") == ()
    with pytest.raises(ReferenceSetError, match="'both' is no side"):
        regions_for("Soleus", "both")


def test_the_outlines_are_symmetric_and_of_height_one():
    for view in ("front", "head"):
        outline = body_outline(view)
        assert outline[:, 1].min() == 0
        assert outline[:, 1].max() == pytest.approx(1, abs=0.003)
        mirrored = {(round(-x, 9), round(y, 9)) for x, y in outline}
        assert mirrored == {(round(x, 9), round(y, 9)) for x, y in outline}
    assert all(inside(p, body_outline("head")) for line in face_lines() for p in line)


def luminance(colours):
    linear = np.where(
        colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4
    )
    return linear[:, :3] @ [0.2126, 0.7152, 0.0722]


def test_colours_darken_away_from_zero_and_stay_from_four_on():
    z = np.linspace(0, 4, 41)
    for sign in (1, -1):
        assert np.all(np.diff(luminance(z_colours(sign * z))) < 0)
        beyond = z_colours([sign * 4, sign * 4.5, sign * 40, sign * np.inf])
        assert np.all(beyond == beyond[0])
    assert z_colours([np.nan]).tolist() == [list(NOT_MEASURED)]


def test_above_and_below_differ_for_colour_blind_people():
    # Blue against yellow is what red-green blindness leaves: compare blue with the
    # mean of red and green.
    for z in (1, 2, 3, 4):
        high, low = z_colours([z, -z])
        differ = [c[2] - (c[0] + c[1]) / 2 for c in (high, low)]
        assert differ[1] - differ[0] > 0.2


@pytest.fixture
def examination():
    table = pd.DataFrame(
        {
            "subject": "P1",
            "muscle": ["Biceps", "Biceps", "Soleus", "Diaphragm"],
            "side": ["left", "right", "left", "left"],
            "value": [110.0, 66.0, 40.0, 50.0],
        }
    )
    reference = load_reference("radboud-esaote-6100-adult")
    return examine(reference, table, Subject(40, "male", 180, 80))


@pytest.fixture
def axes():
    from matplotlib.figure import Figure

    return Figure().subplots()


def test_the_map_shows_each_z_where_its_muscle_is(examination, axes):
    from matplotlib.colors import to_rgba

    z = z_by_place(examination)
    assert set(z) == {
        ("Biceps brachii", "left"),
        ("Biceps brachii", "right"),
        ("Soleus", "left"),
    }
    missing = draw_body_map(axes, z | {("Gluteus", "left"): 1.0})
    assert missing == ("Gluteus",)
    patches = {p.get_gid(): p for p in axes.patches if p.get_gid()}
    assert len(patches) == 2 * len(STANDARD_MUSCLES)
    for (muscle, side), value in z.items():
        patch = patches[f"{muscle} {side}"]
        assert patch.get_facecolor() == pytest.approx(z_colours([value])[0])
        assert patch.get_hatch() is None
    other = patches["Soleus right"]
    assert other.get_hatch()
    assert other.get_facecolor() == pytest.approx(to_rgba(NOT_MEASURED))
    # The person's left is on the viewer's right in front, on the left behind.
    middle = {k: p.get_xy()[:, 0].mean() for k, p in patches.items()}
    assert middle["Biceps brachii left"] > middle["Biceps brachii right"]
    assert middle["Soleus left"] < middle["Soleus right"]


def test_letters_stand_on_the_side_they_name(examination, axes):
    draw_body_map(axes, z_by_place(examination))
    letters = [t for t in axes.texts if t.get_text() in "LR"]
    in_order = sorted(letters, key=lambda t: t.get_position()[0])
    assert "".join(t.get_text() for t in in_order) == "RLLRRL"


def test_one_value_of_both_sides_colours_both(axes):
    draw_body_map(axes, {("Tongue", ""): 3.0})
    colours = [
        p.get_facecolor() for p in axes.patches if (p.get_gid() or "").startswith("Ton")
    ]
    assert len(colours) == 2
    assert colours[0] == colours[1] == pytest.approx(z_colours([3.0])[0])


def test_bars_are_as_long_as_the_z_scores(examination, axes):
    draw_z_bars(axes, examination)
    bars = [bar.get_width() for bar in axes.patches]
    scored = [m for m in examination.muscles if m.score is not None]
    assert bars == [m.z for m in scored]
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels == [m.label for m in examination.muscles]
    assert any(text.get_text() == "no Z-score" for text in axes.texts)
    assert axes.get_ylim()[0] > axes.get_ylim()[1]
