"""Orientation maps: direction, order and strength of the lines around every pixel."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us._parallel import processors, side_by_side
from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.anisotropy._prepare import (
    Prepared,
    checked_spacing,
    chosen_kernel,
    length_px,
    prepare,
)
from napari_muscle_us.measure.anisotropy.gradients import (
    DEFAULT_GRADIENT,
    DEFAULT_WINDOW,
    window_taps,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    from napari_muscle_us.frames import FrameStack
    from napari_muscle_us.image import UltrasoundImage

    Mask = npt.NDArray[np.bool_]
    Single = npt.NDArray[np.float32]

DEFAULT_SIGMA_PX: Final = 2.0
DEFAULT_GRADIENT_SIGMA_PX: Final = 1.0

MIN_SHARE: Final = 0.1
"""Share of a window that gradients must fill for a value. Our choice.

Along a straight edge 0.16 is left of a window of sigma 2 px with the cubic spline. Of
very few gradients the coherency is near 1 whatever the tissue.
"""

_MIN_BAND: Final = 32

NO_GRADIENT: Final = "undefined where the region is smaller than the derivative kernel"
FLAT: Final = "undefined where all pixels have the same gray level"
FEW: Final = "undefined where the region fills too little of the window"


@dataclass(frozen=True, slots=True, eq=False)
class OrientationMap:
    """Direction, coherency and energy of every pixel, from the structure tensor.

    Attributes
    ----------
    orientation_deg : ndarray of float32, shape (depth, lateral)
        Direction of the lines in (−90, 90]: 0 is lateral, positive rises to the right.
    coherency : ndarray of float32, same shape
        0 without a preferred direction … 1 for straight parallel lines.
    energy : ndarray of float32, same shape
        Mean squared gradient, in gray level² / px², or / mm² with a scale.
    reason : str
        Why no pixel has a direction, or an empty string.
    """

    orientation_deg: Single
    coherency: Single
    energy: Single
    reason: str


def compute_orientation_map(
    gray: npt.NDArray[Any],
    *,
    sigma_px: float = DEFAULT_SIGMA_PX,
    sigma_mm: float | None = None,
    gradient: str = DEFAULT_GRADIENT,
    gradient_sigma_px: float = DEFAULT_GRADIENT_SIGMA_PX,
    gradient_sigma_mm: float | None = None,
    window: str = DEFAULT_WINDOW,
    spacing_mm: tuple[float, float] | None = None,
    mask: Mask | None = None,
) -> OrientationMap:
    r"""Return direction, coherency and energy of the lines around every pixel.

    The structure tensor is the window's mean :math:`\langle\cdot\rangle` of the
    gradients' products, x to the right and y down:

    .. math::
       J = \begin{pmatrix} \langle g_x^2\rangle & \langle g_x g_y\rangle \\
       \langle g_x g_y\rangle & \langle g_y^2\rangle \end{pmatrix},\quad
       \theta = \tfrac12 \operatorname{atan2}(2 J_{xy}, J_{yy} - J_{xx}),

    .. math::
       \text{coherency} = \frac{\sqrt{(J_{yy} - J_{xx})^2 + 4 J_{xy}^2}}
       {J_{xx} + J_{yy}} = \frac{\lambda_1 - \lambda_2}{\lambda_1 + \lambda_2},\quad
       \text{energy} = J_{xx} + J_{yy}.

    Parameters
    ----------
    gray : ndarray, shape (depth, lateral)
        Gray levels, 8-bit or any other numbers. A pixel of value 0 counts.
    sigma_px : float, default: 2.0
        Sigma of the window, 0.5 … 100 px on both axes. Not used with `sigma_mm`.
    sigma_mm : float, optional
        Sigma in mm; the window is then round in the muscle, whatever the pixels.
    gradient : str, default: "cubic_spline"
        A name of `gradients.GRADIENTS`.
    gradient_sigma_px : float, default: 1.0
        Scale of the gradient ``"gaussian"``. Not used with `gradient_sigma_mm`.
    gradient_sigma_mm : float, optional
        The same in mm.
    window : {"gaussian", "orientationj"}
        Shape of the window; ``"orientationj"`` repeats what OrientationJ does with
        its sigma, which is :math:`\sqrt 3` times wider than it says.
    spacing_mm : (float, float), optional
        Size of a pixel in mm: depth, lateral. With it angles are those in the muscle.
    mask : ndarray of bool, shape of `gray`, optional
        Region. Pixels outside take no part, and have no value.

    Returns
    -------
    OrientationMap
        NaN outside the mask, where less than a tenth of the window holds gradients
        (a few pixels in the image's corners), and, save for the energy, where all is
        flat. Where the tensor is round the direction alone is NaN.

    Raises
    ------
    MeasureError
        If the image is no gray image, has no gray level at a pixel of the region, the
        mask does not fit, a name is unknown or a scale is not possible, or is in mm
        and the image has no scale.

    Notes
    -----
    At an edge of the image or the mask a gradient counts only if the whole kernel lies
    inside (the spline falls back to shorter central differences, down to two pixels a
    side); the window's mean is taken over the gradients that there are. A direction in
    the outermost pixels is therefore that of the pixels further in.

    The definitions are OrientationJ's, save that it adds 0.001 to the denominator,
    which makes its coherency depend on the gain where the image is dark.

    Speckle is wider than deep. That draws the direction of real muscle towards
    horizontal by some degrees; see ``measure_anisotropy(method="fascicle")``.

    References
    ----------
    Bigün J, Granlund GH. Optimal orientation detection of linear symmetry. ICCV
    1987:433. Rezakhaniha R et al. Experimental investigation of collagen waviness and
    orientation in the arterial adventitia using confocal laser scanning microscopy.
    Biomech Model Mechanobiol 2012;11:461. doi:10.1007/s10237-011-0325-z

    Examples
    --------
    >>> import numpy as np
    >>> rows, columns = np.mgrid[:64, :64]
    >>> angle = np.radians(20)
    >>> wave = columns * np.sin(angle) + rows * np.cos(angle)
    >>> found = compute_orientation_map(128 + 100 * np.sin(wave / 2))
    >>> round(float(found.orientation_deg[32, 32]), 1)
    20.0
    >>> round(float(found.coherency[32, 32]), 3)
    1.0
    """
    spacing = checked_spacing(spacing_mm)
    kernel = chosen_kernel(gradient, gradient_sigma_px, gradient_sigma_mm, spacing)
    sigmas = length_px("window", sigma_px, sigma_mm, spacing)
    down, across = (window_taps(sigma, window=window) for sigma in sigmas)
    ready = prepare(gray, mask, kernel, spacing)
    return map_of(ready, (down, across), gray.shape)


def map_of(
    ready: Prepared, windows: tuple[Single, Single], shape: tuple[int, ...]
) -> OrientationMap:
    """Return the maps of a prepared image, NaN in the rest of the given shape."""
    # Contiguous rows, whatever the mask, for the loops to be compiled once and fast.
    size = ready.image.shape
    found = [np.empty(size, np.float32) for _ in range(3)]
    reason = NO_GRADIENT
    if ready.has_gradients:
        _fill(ready, windows, found)
        reason = _reason(found, ready.inside)
    else:
        for values in found:
            values.fill(np.nan)
    if ready.inside is not None:
        found = [_placed(values, ready, shape) for values in found]
    return OrientationMap(found[0], found[1], found[2], reason)


def _placed(values: Single, ready: Prepared, shape: tuple[int, ...]) -> Single:
    whole = np.full(shape, np.nan, np.float32)
    np.copyto(whole[ready.part], values, where=ready.inside)
    return whole


def _reason(found: list[Single], inside: Mask | None) -> str:
    for row in range(len(found[0])):
        # The first finite value ends the search, so that a map costs nothing.
        there = np.isfinite(found[0][row])
        if (there if inside is None else there & inside[row]).any():
            return ""
    energies = found[2] if inside is None else found[2][inside]
    return FLAT if np.isfinite(energies).any() else FEW


def _fill(ready: Prepared, windows: tuple[Single, Single], out: list[Single]) -> None:
    """Write the maps in bands of rows, one for each processor."""
    from napari_muscle_us.measure.anisotropy import _tensor_kernels as kernels

    height = ready.image.shape[0]
    bands = min(processors(), max(1, height // _MIN_BAND))
    edges = [height * band // bands for band in range(bands + 1)]
    shares = _shares(ready, windows)
    single = np.float32
    scales = single(ready.scales[0]), single(ready.scales[1])
    limits = single(MIN_SHARE), single(ready.flat), single(ready.gain)
    # Taps beyond the image meet nothing, and would only take room and time.
    near = tuple(
        taps[: 4 * -(-min(size, len(taps)) // 4) + 1]
        for taps, size in zip(windows, ready.image.shape, strict=True)
    )

    def band(first: int, stop: int) -> None:
        kernels.map_band(
            ready.image,
            ready.reach_x,
            ready.reach_y,
            ready.kernel.taps,
            near,
            shares,
            scales,
            limits,
            (first, stop),
            tuple(out),
        )

    side_by_side([partial(band, *edges[k : k + 2]) for k in range(bands)])


def _shares(ready: Prepared, windows: tuple[Single, Single]) -> tuple[Single, Single]:
    """Return the share of the window inside, by rows and columns, without a mask."""
    if ready.inside is not None:
        return np.empty(0, np.float32), np.empty(0, np.float32)
    lines = (ready.reach_y[:, 0] > 0), (ready.reach_x[0] > 0)
    found = []
    for taps, line in zip(windows, lines, strict=True):
        whole = np.concatenate([taps[:0:-1], taps])
        share = np.convolve(line, whole)[len(taps) - 1 : len(taps) - 1 + len(line)]
        found.append(share.astype(np.float32))
    return found[0], found[1]


def orientation_of_clip(
    clip: npt.NDArray[Any] | FrameStack | UltrasoundImage,
    *,
    frames: range | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    **options: Any,
) -> Iterator[tuple[int, OrientationMap]]:
    """Yield the orientation map of each frame of a clip, one after the other.

    A frame is decoded when its turn comes and its map is not kept, so that memory does
    not grow with the clip.

    Parameters
    ----------
    clip : ndarray, FrameStack or UltrasoundImage
        Of shape (frame, depth, lateral). Of an image each frame's own spacing is used,
        unless `options` name one.
    frames : range, optional
        Frames to map; all of them by default.
    progress : callable, optional
        Called with the number of frames that are done and of all.
    cancelled : callable, optional
        Asked before each frame whether to stop.
    **options
        As for `compute_orientation_map`.

    Yields
    ------
    frame : int
        Index of the frame.
    found : OrientationMap
        Its map. Nothing more comes once it was cancelled.

    Raises
    ------
    MeasureError
        If it is no clip, there is no such frame, or as `compute_orientation_map`.

    Examples
    --------
    >>> import numpy as np
    >>> clip = np.random.default_rng(0).integers(0, 256, (3, 32, 40), np.uint8)
    >>> for frame, found in orientation_of_clip(clip):
    ...     print(frame, found.coherency.shape)
    0 (32, 40)
    1 (32, 40)
    2 (32, 40)
    """
    from napari_muscle_us.image import UltrasoundImage

    shape = clip.gray.shape if isinstance(clip, UltrasoundImage) else clip.shape
    if len(shape) != 3 or shape[2] in (3, 4):
        raise MeasureError(
            f"A clip has the shape (frame, depth, lateral), not {shape}; convert "
            "colours to gray, and map a still image by itself."
        )
    wanted = range(shape[0]) if frames is None else frames
    outside = [index for index in wanted if not 0 <= index < shape[0]]
    if outside:
        raise MeasureError(
            f"There is no frame {outside[0]} in a clip of {shape[0]} frames; count "
            "from 0."
        )
    return _each(clip, wanted, progress, cancelled, options)


def _each(
    clip: npt.NDArray[Any] | FrameStack | UltrasoundImage,
    wanted: range,
    progress: Callable[[int, int], None] | None,
    cancelled: Callable[[], bool] | None,
    options: dict[str, Any],
) -> Iterator[tuple[int, OrientationMap]]:
    from napari_muscle_us.image import UltrasoundImage

    for done, index in enumerate(wanted, 1):
        if cancelled is not None and cancelled():
            return
        known: dict[str, Any] = {}
        if isinstance(clip, UltrasoundImage):
            # A frame may have a scale of its own.
            still = clip.frame(index)
            gray, known = still.pixels, {"spacing_mm": still.spacing_mm}
        else:
            gray = clip[index]
        yield index, compute_orientation_map(gray, **{**known, **options})
        if progress is not None:
            progress(done, len(wanted))
