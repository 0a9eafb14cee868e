"""Write ``texture-features.md``: every texture feature, from the program itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from napari_muscle_us.measure.texture.families import (
    ABOUT,
    LABELS,
    all_features,
    features_of,
)
from napari_muscle_us.measure.texture.settings import FAMILIES

if TYPE_CHECKING:
    from napari_muscle_us.measure.texture.features import Feature

PAGE: Final = Path(__file__).with_name("texture-features.md")

SYMBOLS: Final = {
    "stat": "$`X_k`$ are the gray levels of the $`N`$ pixels, $`P_q`$ their "
    "$`q`$-th percentile between two pixels by linear interpolation. Not "
    "binned; all frames at once.",
    "hist": "$`X_k`$ are the levels after binning of the $`N`$ pixels, $`n_i`$ the "
    "pixels of level $`i`$ = 1 … $`N_g`$, $`p_i = n_i / N`$, $`H'_i`$ the "
    "slope $`(n_{i+1} - n_{i-1}) / 2`$. All frames at once.",
    "glcm": "$`p_{ij}`$ is the share of the pairs with the levels $`i`$ and $`j`$, "
    "counted both ways; $`p_{i-j,k}`$ that of the pairs whose levels differ "
    "by $`k`$, $`p_{i+j,k}`$ that of the pairs whose levels sum to $`k`$. "
    "$`HX`$, $`HXY`$ are the entropies of one level and of the pair; "
    "$`HXY_1 = -\\sum p_{ij} \\log_2 (p_i p_j)`$, $`HXY_2 = -\\sum p_i p_j "
    "\\log_2 (p_i p_j)`$.",
    "glrlm": "$`r_{ij}`$ is the number of runs of level $`i`$ and length $`j`$, "
    "$`r_{i\\cdot}`$ and $`r_{\\cdot j}`$ its sums, $`N_s`$ the number of all "
    "runs.",
    "glszm": "$`s_{ij}`$ is the number of patches (joined at sides and corners) of "
    "level $`i`$ and of $`j`$ pixels, $`N_s`$ that of all patches, $`N_v`$ "
    "that of the pixels.",
    "gldzm": "$`d_{ij}`$ is the number of patches of level $`i`$ whose nearest pixel "
    "is $`j`$ steps, sideways and in depth, from the outside of the ROI or "
    "the image (1 at the edge), $`N_s`$ that of all patches, $`N_v`$ that "
    "of the pixels.",
    "ngtdm": "$`p_i`$ is the share of the pixels of level $`i`$, $`s_i`$ the sum of "
    "their differences from the mean of their neighbours, $`N_{v,c}`$ the "
    "number of pixels with a neighbour, $`N_{g,p}`$ that of the levels that "
    "occur.",
    "ngldm": "$`s_{ij}`$ is the number of pixels of level $`i`$ that are like $`j - "
    "1`$ of their neighbours, $`N_s = N_v`$ that of all pixels.",
    "lbp": "$`h_i`$ is the number of pixels with $`i`$ of 8 neighbours on a circle "
    "at least as bright, side by side ($`h_9`$: not side by side), $`N`$ "
    "that of all pixels whose circle is inside the ROI. Not binned.",
}

_HEAD: Final = """\
# Texture features

All {n} features, as the program computes them. What they may and may not tell, the
choices behind them and other programs' names are in [Texture](texture.md). A code of
four characters is that of the [Image Biomarker Standardisation
Initiative](references.md) (IBSI).

*This page is written by `docs/make_feature_list.py`; change the program, not the page.*

| family | | features |
|---|---|---|
{table}
"""


def page() -> str:
    """Return the page: a table of the families, then each with its features."""
    table = "\n".join(
        f"| [{LABELS[f]}](#{_anchor(LABELS[f])}) | {ABOUT[f]} | {len(features_of(f))} |"
        for f in FAMILIES
    )
    parts = [_HEAD.format(n=len(all_features()), table=table)]
    for family in FAMILIES:
        parts.append(f"## {LABELS[family]}\n\n{ABOUT[family]} {SYMBOLS[family]}\n")
        parts.append("\n".join(map(_entry, features_of(family))) + "\n")
    return "\n".join(parts)


def _entry(feature: Feature) -> str:
    """Return a feature as an entry of a list; its TeX is readable as it is."""
    code = f"IBSI {feature.ibsi}" if feature.ibsi else "not in the IBSI"
    unit = "no unit" if feature.unit in ("", "1") else f"in {feature.unit}"
    return (
        f"- **{feature.label}** `{feature.key}` · {code} · {unit}<br>\n"
        f"  $`{feature.formula}`$<br>\n"
        f"  {feature.meaning}"
    )


def _anchor(heading: str) -> str:
    kept = "".join(c for c in heading.lower() if c.isalnum() or c in " -")
    return kept.replace(" ", "-")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE.name}: {len(all_features())} features")
