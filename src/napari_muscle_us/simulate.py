"""Simulated B-mode images of skeletal muscle, as samples that need no download.

Anatomy becomes a map of scatterers with random phase, which the point-spread function
of a scanner, envelope detection and log compression turn into gray levels. The images
show how a measurement works; they are no evidence about patients.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import MuscleUSError

if TYPE_CHECKING:
    import numpy.typing as npt

    Float = npt.NDArray[np.float64]
    Surfaces = tuple[Float, Float, Float]

DYNAMIC_RANGE_DB: Final = 60.0
"""Echo amplitudes shown between black and white."""

PENNATION_DEG: Final = 16.0
"""Angle of the fibres to the deep aponeurosis in the longitudinal images, in degrees.

Positive is counter-clockwise as seen on the screen (depth downwards): fibres run along
``(row, col) = (-sin, cos)`` and rise to the right. The aponeurosis is horizontal.
"""

_SHAPE: Final = (480, 560)
_SPACING_MM: Final = 0.09
# Rendered around the image and cut off, so that no edge of the convolution shows.
_MARGIN_PX: Final = 24
_WIDTH_MM: Final = _SHAPE[1] * _SPACING_MM
# Views from different angles are averaged, as in compound imaging.
_LOOKS: Final = 3
_DERMIS_MM: Final = 1.5
_FIRST_SEED: Final = 20


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedMuscle:
    """One simulated image with the truth that belongs to it.

    Attributes
    ----------
    name : str
        One of `SIMULATED_NAMES`.
    gray : numpy.ndarray
        Image ``(depth, lateral)``, uint8.
    spacing_mm : tuple of float
        Size of a pixel ``(depth, lateral)`` in mm.
    muscle_outline : numpy.ndarray
        Vertices ``(n, 2)``, row and column with pixel centres at integers, of a
        simple polygon inside the fascia: a good manual ROI.
    muscle : str
        Muscle that the image imitates.
    description : str
        One sentence, which says that the image is simulated.
    """

    name: str
    gray: npt.NDArray[np.uint8]
    spacing_mm: tuple[float, float]
    muscle_outline: npt.NDArray[np.float64]
    muscle: str
    description: str


@dataclass(frozen=True, slots=True)
class _State:
    """What disease changes; levels in dB above black, `septa` from 0 to 1."""

    muscle_db: float
    septa: float
    fascia_db: float
    excess_db_per_mm: float
    extra_fat_mm: float


_STATES: Final = {
    "healthy": _State(13.0, 1.0, 46.0, 0.03, 0.0),
    "diseased": _State(37.0, 0.2, 43.0, 0.7, 2.0),
}
_MUSCLES: Final = {"transverse": "Biceps brachii", "longitudinal": "Vastus lateralis"}

SIMULATED_NAMES: Final[tuple[str, ...]] = tuple(
    f"{plane}_{condition}" for plane in _MUSCLES for condition in _STATES
)
"""Names for `simulate_muscle`: cut and state of the muscle."""


def simulate_muscle(name: str) -> SimulatedMuscle:
    r"""Return a simulated B-mode image of a healthy or diseased muscle.

    With echogenicity :math:`e`, circular Gaussian phasors :math:`g` of unit power,
    mirror-like interfaces :math:`m`, two-way attenuation :math:`\alpha` less its
    compensation :math:`\tau` in dB/mm, and noise :math:`n`, the scatterers are

    .. math:: s = (e\,g + m)\,10^{-\int_0^z(\alpha - \tau)\,\mathrm{d}z / 20} + n .

    The image is the log-compressed mean of `compute_envelope` over three draws of
    :math:`g`. Each name has a fixed seed: the image is the same each time. Its
    brightness imitates one scanner and must not serve as a reference value.

    Parameters
    ----------
    name : str
        One of `SIMULATED_NAMES`.

    Returns
    -------
    SimulatedMuscle
        Image with spacing, outline of the muscle and description.

    Raises
    ------
    MuscleUSError
        If the name is unknown.

    References
    ----------
    J. C. Bamber, R. J. Dickinson. Ultrasonic B-scanning: a computer simulation.
    Phys. Med. Biol. 25 (1980) 463-479. doi:10.1088/0031-9155/25/3/006

    Examples
    --------
    >>> sample = simulate_muscle("transverse_healthy")
    >>> sample.gray.shape, sample.spacing_mm
    ((480, 560), (0.09, 0.09))
    """
    if name not in SIMULATED_NAMES:
        raise MuscleUSError(
            f"{name!r} is not a simulated image; choose one of "
            f"{', '.join(SIMULATED_NAMES)}"
        )
    plane, condition = name.split("_")
    state, muscle = _STATES[condition], _MUSCLES[plane]
    rng = np.random.default_rng(_FIRST_SEED + SIMULATED_NAMES.index(name))
    z_mm, x_mm = _lay_grid()
    surfaces = _lay_surfaces(plane, state, x_mm, rng)
    gain = _leftover_gain(state, z_mm, surfaces, rng)
    muscle_db = _draw_muscle_db(plane, state, rng)
    diffuse = gain * _draw_tissue(muscle_db, z_mm, surfaces, rng)
    mirror = gain * _draw_interfaces(state, z_mm, surfaces, rng)
    envelope = _compound(np.hypot(diffuse, _amplitude(0.1 * z_mm)), mirror, rng)
    inside = slice(_MARGIN_PX, -_MARGIN_PX)
    return SimulatedMuscle(
        name=name,
        gray=compress_log(envelope[inside, inside]),
        spacing_mm=(_SPACING_MM, _SPACING_MM),
        muscle_outline=_outline_muscle(x_mm, surfaces),
        muscle=muscle,
        description=(
            f"Simulated {plane} B-mode image of a {condition} {muscle.lower()}, "
            "not a recording of a person."
        ),
    )


def compute_envelope(
    scatterers: npt.NDArray[np.complex128],
    *,
    axial_sd_px: float = 1.1,
    lateral_sd_px: tuple[float, float] = (2.1, 3.8),
) -> Float:
    r"""Return the echo envelope of a field of scatterers.

    The field :math:`s` is convolved with a separable Gaussian point-spread function
    of unit energy, and the magnitude is the envelope:

    .. math::

        A = \Bigl|\sum_{i} w_i(z)\,\bigl(s * h_i\bigr)\Bigr|, \qquad
        h_i \propto e^{-z^2/2\sigma_z^2}\,e^{-x^2/2\sigma_i^2} .

    The carrier of the pulse is left out of :math:`h`, as after demodulation: it would
    only turn phases that are random already. The weights go linearly from the first
    beam width to the second. The convolution is periodic. Random scatterers give a
    Rayleigh envelope, with mean 1.91 times its SD (fully developed speckle).

    Parameters
    ----------
    scatterers : numpy.ndarray
        Complex amplitudes ``(depth, lateral)``.
    axial_sd_px : float, default: 1.1
        Standard deviation of the pulse, > 0.
    lateral_sd_px : tuple of float, default: (2.1, 3.8)
        Standard deviation of the beam at the first and at the last row, > 0.

    Returns
    -------
    numpy.ndarray
        Envelope of the shape of `scatterers`.
    """
    from scipy import fft

    def transfer(n: int, sd_px: float) -> Float:
        response = np.exp(-2.0 * (np.pi * sd_px * fft.fftfreq(n)) ** 2)
        return np.asarray(response / np.sqrt(np.mean(response**2)))

    n_depth, n_lateral = scatterers.shape
    pulse = transfer(n_depth, axial_sd_px)[:, np.newaxis]
    echoes = fft.ifft(fft.fft(scatterers, axis=0) * pulse, axis=0)
    lines = fft.fft(echoes, axis=1)
    near, far = (
        fft.ifft(lines * transfer(n_lateral, sd_px), axis=1) for sd_px in lateral_sd_px
    )
    weight = np.linspace(0.0, 1.0, n_depth)[:, np.newaxis]
    return np.asarray(np.abs(near + weight * (far - near)), dtype=np.float64)


def compress_log(
    envelope: Float, *, dynamic_range_db: float = DYNAMIC_RANGE_DB
) -> npt.NDArray[np.uint8]:
    r"""Return gray levels of an envelope by logarithmic compression.

    Amplitude 1 is black and :math:`10^{R/20}` white, with the dynamic range :math:`R`:

    .. math:: G = 255\,\frac{20\log_{10} A}{R},

    rounded half to even and clipped to 0 … 255.

    Parameters
    ----------
    envelope : numpy.ndarray
        Echo amplitudes, >= 0.
    dynamic_range_db : float, default: 60
        Range between black and white, > 0.

    Returns
    -------
    numpy.ndarray
        Gray levels, uint8.
    """
    shown = 20.0 * np.log10(np.maximum(envelope, 1.0)) / dynamic_range_db
    return np.asarray(np.rint(255.0 * np.minimum(shown, 1.0)), dtype=np.uint8)


def _lay_grid() -> tuple[Float, Float]:
    """Return the depths as a column and the lateral positions as a row, in mm."""
    z, x = (np.arange(-_MARGIN_PX, n + _MARGIN_PX, dtype=np.float64) for n in _SHAPE)
    return z[:, np.newaxis] * _SPACING_MM, x * _SPACING_MM


def _amplitude(level_db: npt.ArrayLike) -> Float:
    """Return the amplitude of a level in dB."""
    return np.asarray(10.0 ** (np.asarray(level_db, dtype=np.float64) / 20.0))


def _compound(diffuse: Float, mirror: Float, rng: np.random.Generator) -> Float:
    """Return the mean envelope of looks that share only the mirror-like part."""
    # Interfaces are rough too, and a part of their echo is speckle.
    power = np.hypot(diffuse, 0.6 * mirror)
    envelope = np.zeros(diffuse.shape)
    for _ in range(_LOOKS):
        phasors = rng.standard_normal((2, *diffuse.shape)) * np.sqrt(0.5)
        envelope += compute_envelope(power * (phasors[0] + 1j * phasors[1]) + mirror)
    return envelope / _LOOKS


def _draw_field(
    rng: np.random.Generator, along_mm: float, across_mm: float, angle_deg: float = 0.0
) -> Float:
    """Return Gaussian noise of unit SD, smooth along a direction and across it."""
    from scipy import fft

    shape = (_SHAPE[0] + 2 * _MARGIN_PX, _SHAPE[1] + 2 * _MARGIN_PX)
    k_row = fft.fftfreq(shape[0], _SPACING_MM)[:, np.newaxis]
    k_col = fft.rfftfreq(shape[1], _SPACING_MM)
    sine, cosine = np.sin(np.deg2rad(angle_deg)), np.cos(np.deg2rad(angle_deg))
    along = along_mm * (cosine * k_col - sine * k_row)
    across = across_mm * (sine * k_col + cosine * k_row)
    smooth = np.exp(-2.0 * np.pi**2 * (along**2 + across**2))
    smooth[0, 0] = 0.0
    field = fft.irfft2(smooth * fft.rfft2(rng.standard_normal(shape)), s=shape)
    return np.asarray(field / field.std())


def _draw_sheets(rng: np.random.Generator, along_mm: float, across_mm: float) -> Float:
    """Return broken curved sheets, 0 … 1, brightest where they face the probe."""
    field = _draw_field(rng, along_mm, across_mm)
    slope_row, slope_col = np.gradient(field)
    slope_sq = slope_row**2 + slope_col**2 + 1e-12
    # Distance to the zero contour to first order, so that sheets are equally thin.
    distance_mm = np.abs(field) / np.sqrt(slope_sq) * _SPACING_MM
    sheet = np.exp(-((distance_mm / 0.12) ** 2)) * slope_row**2 / slope_sq
    seen = 1.0 / (1.0 + np.exp(-3.0 * _draw_field(rng, along_mm, across_mm)))
    return np.asarray(sheet * seen)


def _draw_wave(rng: np.random.Generator, x_mm: Float, amplitude_mm: float) -> Float:
    """Return a gentle undulation along the width."""
    phases = rng.uniform(0.0, 2.0 * np.pi, 4)
    cycles = np.array([0.7, 1.3, 2.4, 4.1]) / _WIDTH_MM
    angle = 2.0 * np.pi * np.outer(x_mm, cycles) + phases
    return np.asarray(amplitude_mm * (np.sin(angle) @ [0.5, 0.3, 0.15, 0.1]))


def _lay_surfaces(
    plane: str, state: _State, x_mm: Float, rng: np.random.Generator
) -> Surfaces:
    """Return the interfaces: domed in a cross-section, flat along the muscle."""
    if plane == "transverse":
        fascia_mm, deep_mm, bone_mm = 6.2, 25.5, 33.5
        bulge, hollow, radius_mm = 0.004, 0.009, 11.0
    else:
        fascia_mm, deep_mm, bone_mm = 5.6, 24.0, 36.0
        bulge, hollow, radius_mm = 0.0, 0.0, 500.0
    offset_sq = (x_mm - _WIDTH_MM / 2 - rng.uniform(-4.0, 4.0)) ** 2
    cap = np.sqrt(np.maximum(radius_mm**2 - offset_sq, 0.0))
    fascia = fascia_mm + state.extra_fat_mm + bulge * offset_sq
    bone = np.where(cap > 0.0, bone_mm + radius_mm - cap, np.inf)
    return (
        fascia + _draw_wave(rng, x_mm, 0.35),
        deep_mm - hollow * offset_sq + _draw_wave(rng, x_mm, 0.6),
        bone + _draw_wave(rng, x_mm, 0.4),
    )


def _leftover_gain(
    state: _State, z_mm: Float, surfaces: Surfaces, rng: np.random.Generator
) -> Float:
    """Return the amplitude factor that gain compensation leaves of attenuation."""
    fascia, _, bone = surfaces
    excess = np.where(z_mm > fascia, state.excess_db_per_mm, 0.0)
    excess = np.where(z_mm > bone + 0.3, 8.0, excess)
    loss_db = np.minimum(np.cumsum(excess, axis=0) * _SPACING_MM, 60.0)
    bands_db = 0.7 * _draw_field(rng, 0.9, 30.0)
    focus_db = 2.0 * np.exp(-(((z_mm - 16.0) / 10.0) ** 2)) - 1.0
    return _amplitude(bands_db + focus_db - loss_db)


def _draw_muscle_db(plane: str, state: _State, rng: np.random.Generator) -> Float:
    """Return the echogenicity of the muscle in dB: fibres, perimysium, mottle."""
    mottle_db = 1.7 * _draw_field(rng, 3.0, 1.6)
    if plane == "transverse":
        fine, coarse = _draw_sheets(rng, 0.75, 0.42), _draw_sheets(rng, 2.2, 1.2)
        dots = np.maximum(_draw_field(rng, 0.2, 0.1) - 2.2, 0.0)
        septa_db = 24.0 * fine + 22.0 * coarse + 14.0 * dots
    else:
        seen = np.clip(1.1 + _draw_field(rng, 3.0, 1.0, PENNATION_DEG), 0.0, 1.0)
        coarse = np.clip(_draw_field(rng, 3.0, 0.18, PENNATION_DEG) - 0.2, 0.0, 1.8)
        fine = _draw_field(rng, 1.2, 0.1, PENNATION_DEG)
        septa_db = 14.0 * coarse * seen + 2.0 * fine
    return np.asarray(state.muscle_db + state.septa * septa_db + mottle_db)


def _draw_tissue(
    muscle_db: Float, z_mm: Float, surfaces: Surfaces, rng: np.random.Generator
) -> Float:
    """Return the amplitude of the random scatterers: skin, fat, two muscles."""
    fascia, deep, _ = surfaces
    fat_db = 19.0 + 2.0 * _draw_field(rng, 2.0, 0.2)
    fat_db += 24.0 * _draw_sheets(rng, 5.0, 0.7)
    skin_db = 35.0 + 3.0 * _draw_field(rng, 3.0, 0.12)
    # The muscle beneath runs the other way, so the same texture serves mirrored.
    deeper_db = np.roll(muscle_db[:, ::-1], z_mm.size // 2, axis=0) + 0.5
    level_db = np.where(z_mm < _DERMIS_MM, skin_db, fat_db)
    level_db = np.where(z_mm > fascia, muscle_db, level_db)
    level_db = np.where(z_mm > deep, deeper_db, level_db)
    return _amplitude(np.where(z_mm < 0.0, -20.0, level_db))


def _draw_interfaces(
    state: _State, z_mm: Float, surfaces: Surfaces, rng: np.random.Generator
) -> Float:
    """Return the amplitude of the mirror-like surfaces."""
    rough = 0.8 * _draw_field(rng, 5.0, 1.0) + 0.6 * _draw_field(rng, 0.6, 0.08)

    def sheet(level_db: float, depth: Float, sd_mm: float, spread_db: float) -> Float:
        depth = np.where(np.isfinite(depth), depth, 1e3)
        tilt = np.minimum(np.abs(np.gradient(depth, _SPACING_MM)), 10.0)
        shape = np.exp(-0.5 * ((z_mm - depth) / sd_mm) ** 2)
        return _amplitude(level_db + spread_db * rough - 22.0 * tilt) * shape

    fascia, deep, bone = surfaces
    gap_mm = 0.5 + 0.15 * rough[0]
    return np.asarray(
        sheet(44.0, np.full_like(fascia, 0.15), 0.12, 1.5)
        + sheet(30.0, np.full_like(fascia, _DERMIS_MM), 0.08, 4.0)
        + sheet(state.fascia_db - 6.0, fascia - gap_mm, 0.06, 5.0)
        + sheet(state.fascia_db, fascia, 0.09, 3.0)
        + sheet(state.fascia_db - 10.0, fascia + gap_mm, 0.07, 6.0)
        + sheet(state.fascia_db - 7.0, deep, 0.10, 4.0)
        + sheet(state.fascia_db - 14.0, deep + gap_mm, 0.08, 6.0)
        + sheet(47.0, bone, 0.14, 3.0)
        + sheet(20.0, bone + 0.7, 0.35, 4.0)
    )


def _outline_muscle(x_mm: Float, surfaces: Surfaces) -> npt.NDArray[np.float64]:
    """Return the polygon 1.5 mm inside the fasciae and 3 mm inside the image."""
    (fascia, deep, _), x = surfaces, np.linspace(3.0, _WIDTH_MM - 3.0, 7)
    top = np.column_stack([np.interp(x, x_mm, fascia) + 1.5, x])
    bottom = np.column_stack([np.interp(x, x_mm, deep) - 1.5, x])
    return np.concatenate([top, bottom[::-1]]) / _SPACING_MM
