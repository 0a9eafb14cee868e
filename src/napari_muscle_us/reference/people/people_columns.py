"""Which column of a clinical spreadsheet holds what."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

PEOPLE_COLUMNS: Final = (
    "subject",
    "visit",
    "muscle",
    "side",
    "measure",
    "value",
    "unit",
    "age_years",
    "sex",
    "height_cm",
    "weight_kg",
    "handedness",
)
"""Columns of a table of people, in this order."""

IMAGE: Final = "image"
"""Further column that tells repeated images of a muscle apart."""

_WORDS: Final = {
    "subject": "subject, subject code, subject id, subject number, subject nr, "
    "subject no, participant, participant id, participant code, participant number, "
    "patient, patient code, patient id, patient number, patient nr, patient no, "
    "proband, probandencode, proband id, proefpersoon, proefpersoon id, deelnemer, "
    "deelnemernummer, patientnummer, patient nummer, patientennummer, patienten id, "
    "sujet, sujeto, participante, paciente, code, code patient, code sujet, codigo, "
    "control, control id, case, case id, study id, record id, volunteer, id",
    "visit": "visit, visit number, visit no, session, timepoint, time point, visite, "
    "besuch, bezoek, visita, sitzung, sessie, sesion",
    "muscle": "muscle, muscle name, muskel, muskelname, spier, spiernaam, musculo, "
    "nom du muscle, muscles, musculus",
    "side": "side, body side, seite, korperseite, zijde, kant, cote, lado, laterality, "
    "lateralite, lateralidad, l r, r l, left right, side l r, links rechts",
    "measure": "measure, measure name, parameter, maat, messgrosse, mesure, medida, "
    "variable",
    "value": "value, ei, ei mean, mean ei, echo intensity, echointensity, "
    "mean echo intensity, echo intensity mean, echogenicity, echointensiteit, "
    "echo intensiteit, echogeniciteit, echointensitat, echo intensitat, "
    "echogenitat, echogenicite, intensite d echo, ecogenicidad, ecointensidad, "
    "intensidad de eco, mean gray, mean grey, mean gray value, mean grey value, "
    "mean gray level, mean grey level, gray value, grey value, gray level, "
    "grey level, gray scale, grayscale, greyscale, gsl, grijswaarde, "
    "gemiddelde grijswaarde, grauwert, mittlerer grauwert, niveau de gris, "
    "niveau de gris moyen, nivel de gris, mean, wert, waarde, valeur, valor, result, "
    "measurement",
    "unit": "unit, units, einheit, eenheid, unite, unidad",
    "age_years": "age, age at visit, age at scan, age at examination, alter, leeftijd, "
    "edad, lebensalter",
    "sex": "sex, gender, geschlecht, geslacht, sexe, sexo, genero, genre, sex m f, "
    "gender m f, sex f m, geslacht m v, geschlecht m w",
    "height_cm": "height, body height, stature, standing height, length, body length, "
    "lengte, lichaamslengte, grosse, korpergrosse, koerpergroesse, groesse, taille, "
    "estatura, altura, talla, lenght",
    "weight_kg": "weight, body weight, bodyweight, mass, body mass, gewicht, "
    "lichaamsgewicht, korpergewicht, koerpergewicht, poids, peso",
    "handedness": "handedness, hand, dominant hand, hand dominance, dominance, "
    "dominant side, writing hand, handigkeit, handigheid, voorkeurshand, "
    "schreibhand, dominante hand, main dominante, lateralite manuelle, "
    "mano dominante, dominancia, dominanz, dominantie",
    IMAGE: "image, image number, image nr, image no, image id, repeat, repetition, "
    "replicate, scan, scan number, frame, trial, bild, bildnummer, beeld, "
    "beeldnummer, opname, aufnahme, herhaling, wiederholung, imagen, essai",
}
"""Names of a column in small letters without accents; the first are the surest."""

_UNITS: Final = {
    **dict.fromkeys(("cm", "centimeter", "centimeters", "centimetre"), "cm"),
    **dict.fromkeys(("m", "meter", "meters", "metre", "metres", "metros"), "m"),
    **dict.fromkeys(("mm",), "mm"),
    **dict.fromkeys(("in", "inch", "inches"), "inches"),
    **dict.fromkeys(("ft", "foot", "feet"), "feet"),
    **dict.fromkeys(("kg", "kgs", "kilo", "kilos", "kilogram", "kilograms"), "kg"),
    **dict.fromkeys(("lb", "lbs", "pound", "pounds"), "pounds"),
    **dict.fromkeys(("st", "stone", "stones"), "stones"),
    **dict.fromkeys(("g", "gram", "grams", "gramm"), "grams"),
    **dict.fromkeys(("y", "yr", "yrs", "year", "years", "jaar", "jaren"), "years"),
    **dict.fromkeys(("j", "jahr", "jahre", "jahren", "an", "ans", "annees"), "years"),
    **dict.fromkeys(("ano", "anos"), "years"),
    **dict.fromkeys(("month", "months", "mo", "mos", "mnd", "maand"), "months"),
    **dict.fromkeys(("maanden", "monat", "monate", "mois", "mes", "meses"), "months"),
    **dict.fromkeys(("week", "weeks", "wk", "wks", "wochen", "weken"), "weeks"),
    **dict.fromkeys(("day", "days", "dagen", "tage", "jours", "dias"), "days"),
    **dict.fromkeys(("au", "gsu"), "gray level"),
}
"""Words that end a column's name and tell its unit."""

_SCALE: Final = re.compile(r"[(\[]\s*(gr[ae]y[ -]?levels?|0\s*[-–]\s*255)[^)\]]*[)\]]")
"""Scale of gray levels behind a name."""

_IDENTITY: Final = re.compile(
    r"((pat(ient)?(en)?|subject|participant|full|first|last|family|given|sur|middle|"
    r"maiden|sujet|achter|voor|vor|nach)( )?)?"
    r"(name|names|naam|namen|nom|nombre|nombres|apellido|apellidos|prenom|initials|"
    r"initialen|initiales|iniciales)"
    r"|(nom|nombre|prenom|initiales) (du |de |del )?(patient|paciente|sujet|sujeto|"
    r"famille|familia|completo|complet)"
    r"|(date of birth|birth date|birthdate|birthday|dob|d o b|born|year of birth|"
    r"birth year|geburtsdatum|geburtstag|geb datum|geb|gebdatum|geburtsjahr|"
    r"geboortedatum|geboortejaar|geb dat|date de naissance|date naissance|ddn|"
    r"annee de naissance|fecha de nacimiento|fecha nacimiento|nacimiento)"
    r"|(mrn|medical record number|hospital (number|no|nr|id)|nhs( number| no)?|ssn|"
    r"social security( number)?|bsn|insz|passport( number)?|insurance( number)?|"
    r"versicherungsnummer|dni|nie|address|adres|adresse|direccion|street|"
    r"postcode|post code|postal code|zip|zip code|plz|phone|phone number|telephone|"
    r"telefon|telefoon|telefono|mobile|email|e mail|mail)"
)
"""Names of columns that tell who a person is."""


@dataclass(frozen=True, slots=True)
class Header:
    """A column's name, taken apart.

    Attributes
    ----------
    words : str
        Small letters without accents, words parted by spaces, without the unit.
    unit : str
        Unit that the name ends with, in words; ``""`` for none.
    """

    words: str
    unit: str


def read_header(text: str) -> Header:
    """Return a column's name without accents, signs and unit.

    Examples
    --------
    >>> read_header("Körpergröße [cm]")
    Header(words='korpergrosse', unit='cm')
    >>> read_header("ageMonths")
    Header(words='age', unit='months')
    """
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    plain = _SCALE.sub(" ", plain.replace("a.u.", "au"))
    words = re.findall(r"[a-z]+|[0-9]+", plain)
    unit = ""
    if len(words) > 1 and words[-1] in _UNITS:
        unit = _UNITS[words.pop()]
        if len(words) > 1 and words[-1] in ("in", "en"):
            words.pop()
    return Header(" ".join(words), unit)


def identity_columns(table: pd.DataFrame) -> tuple[str, ...]:
    """Return the columns whose names say that they tell who a person is.

    Names, dates of birth, hospital numbers, addresses and the like are never used.

    Examples
    --------
    >>> import pandas as pd
    >>> identity_columns(pd.DataFrame(columns=["code", "Surname", "Geb.-Datum", "EI"]))
    ('Surname', 'Geb.-Datum')
    """
    return tuple(str(column) for column in table.columns if tells_identity(str(column)))


def tells_identity(column: str) -> bool:
    """Whether a column's name says that it tells who a person is."""
    # Of 'SurName' the words alone would be told apart.
    plain = read_header(column.casefold()).words
    return bool(
        _IDENTITY.fullmatch(read_header(column).words) or _IDENTITY.fullmatch(plain)
    )


def guess_columns(table: pd.DataFrame) -> dict[str, str]:
    """Return which columns of a spreadsheet hold what, by their names.

    English, German, Dutch, French and Spanish names are known.

    Parameters
    ----------
    table : DataFrame
        As from `napari_muscle_us.io.spreadsheet.read_spreadsheet`.

    Returns
    -------
    dict
        From a name of `PEOPLE_COLUMNS` (or ``image``) to a column of the table. What
        no column or several equally good ones fit is left out.

    Examples
    --------
    >>> import pandas as pd
    >>> guess_columns(pd.DataFrame(columns=["Code", "Spier", "EI", "Lengte (cm)"]))
    {'subject': 'Code', 'muscle': 'Spier', 'value': 'EI', 'height_cm': 'Lengte (cm)'}
    """
    fitting = fitting_columns(map(str, table.columns))
    return {name: found[0] for name, found in fitting.items() if len(found) == 1}


def fitting_columns(columns: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the best fitting columns for each of our names; several when equal."""
    ranks = {
        name: {word.strip(): k for k, word in enumerate(words.split(","))}
        for name, words in _WORDS.items()
    }
    found: dict[str, dict[float, list[str]]] = {name: {} for name in ranks}
    for column in columns:
        if tells_identity(column):
            continue
        words = read_header(column).words
        joined = words.replace(" ", "")
        for name, rank in ranks.items():
            if column.casefold() == name:
                found[name].setdefault(-1.0, []).append(column)
            elif words in rank or joined in rank:
                place = float(rank.get(words, rank.get(joined, 0)))
                found[name].setdefault(place, []).append(column)
    order = (*PEOPLE_COLUMNS, IMAGE)
    return {name: tuple(found[name][min(found[name])]) for name in order if found[name]}
