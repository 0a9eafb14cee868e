"""What a texture feature is: its key, its code, its formula, its meaning."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Feature:
    r"""A texture feature as a table, a registry or a panel shows it.

    Each module of a family holds a tuple ``FEATURES`` of these, in the order of the
    standard. The values themselves are a mapping from `key` to a number.

    Attributes
    ----------
    key : str
        Family and name in snake case, such as ``"glcm.joint_entropy"``.
    ibsi : str
        Permanent code of the Image Biomarker Standardisation Initiative, four
        characters; an empty string where the standard does not know the feature.
    unit : str
        Unit of the value, such as ``"bit"``; ``"1"`` where it has none.
    label : str
        Name for a person, such as ``"Joint entropy"``.
    formula : str
        Definition in TeX without dollar signs, in the symbols of the standard.
    meaning : str
        One sentence for a sonographer: what rises when muscle is replaced by fat, or
        that this is not known.

    References
    ----------
    Zwanenburg A et al. The Image Biomarker Standardization Initiative. Radiology
    2020;295:328. doi:10.1148/radiol.2020191145

    Examples
    --------
    >>> Feature(
    ...     key="glcm.angular_second_moment",
    ...     ibsi="8ZQL",
    ...     unit="1",
    ...     label="Angular second moment",
    ...     formula=r"\sum_{i,j} p_{ij}^2",
    ...     meaning="High where the same pair of gray levels returns again and again.",
    ... ).family
    'glcm'
    """

    key: str
    ibsi: str
    unit: str
    label: str
    formula: str
    meaning: str

    @property
    def family(self) -> str:
        """Part of the key before the first full stop, such as ``"glcm"``."""
        return self.key.partition(".")[0]
