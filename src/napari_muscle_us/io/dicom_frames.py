"""Decoded frames of a DICOM file, one at a time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.frames import Frame
from napari_muscle_us.image import coloured_pixels, gray_from_rgb
from napari_muscle_us.io._pydicom import BROKEN, damaged, dicom_guard
from napari_muscle_us.io.dicom_file import frames_of
from napari_muscle_us.io.dicom_palette import apply_palette
from napari_muscle_us.io.dicom_stream import decode_rle, read_code_stream
from napari_muscle_us.io.dicom_syntax import ALWAYS_LOSSY, JPEG_FAMILY, syntax_name
from napari_muscle_us.io.dicom_window import gray_levels
from napari_muscle_us.io.jpeg_filler import ends_in_filler
from napari_muscle_us.io.raster import LOSSY_TOLERANCE

if TYPE_CHECKING:
    import numpy.typing as npt
    from pydicom import Dataset

    from napari_muscle_us.image import GrayRule
    from napari_muscle_us.io.dicom_file import FileBytes, PixelElement
    from napari_muscle_us.io.dicom_stream import CodeStream

_YBR_STORED: Final = ("YBR_FULL", "YBR_FULL_422")
_ONE_VALUE: Final = ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")
_NEUTRAL: Final = 128
_PIXEL_KEYWORDS: Final = (
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
)


class DicomFrames:
    """Decodes the frames of one file (a `FrameSource`).

    Parameters
    ----------
    source : FileBytes
        The file.
    dataset : Dataset
        Its elements before the pixels, checked.
    element : PixelElement
        Where the pixels lie.
    shape : tuple of int
        Frames, rows, columns.
    name : str
        File name, for messages.
    gray_rule : {"imagej", "luma601"}
        How colour becomes gray.

    Raises
    ------
    ImageReadError
        If there is less data than the header says.
    """

    def __init__(
        self,
        source: FileBytes,
        dataset: Dataset,
        element: PixelElement,
        shape: tuple[int, int, int],
        *,
        name: str,
        gray_rule: GrayRule,
    ) -> None:
        self.shape = shape
        self.rule = "stored"
        self._source = source
        self._dataset = dataset
        self._element = element
        self._name = name
        self._gray_rule: GrayRule = gray_rule
        self._photometric = str(dataset.PhotometricInterpretation)
        self._pieces = self._locate()

    def read(self, index: int) -> Frame:
        """Return a decoded frame.

        Raises
        ------
        ImageReadError
            If it is damaged or needs a decoder that is not there.
        """
        with dicom_guard(self._name):
            return self._gray(index)

    def _locate(self) -> list[list[tuple[int, int]]]:
        """Return the pieces of the file that each frame is made of."""
        element, count = self._element, self.shape[0]
        if element.encapsulated:
            return frames_of(self._source, self._dataset, element, count)
        size = self._native_bytes()
        if size < 1 or element.length < size * count:
            raise damaged(self._name)
        return [[(element.start + i * size, size)] for i in range(count)]

    def _native_bytes(self) -> int:
        """Return the bytes of an uncompressed frame."""
        data = self._dataset
        samples = int(data.SamplesPerPixel)
        values = self.shape[1] * self.shape[2] * samples
        if self._photometric == "YBR_FULL_422":
            # Two pixels share their chroma.
            values = values // 3 * 2
        return values * int(data.BitsAllocated) // 8

    def _single(self, index: int) -> Dataset:
        """Return a data set that holds this frame only."""
        from pydicom import Dataset
        from pydicom.dataset import FileMetaDataset
        from pydicom.encaps import encapsulate

        single = Dataset()
        for keyword in _PIXEL_KEYWORDS:
            if keyword in self._dataset:
                single[keyword] = self._dataset[keyword]
        single.NumberOfFrames = 1
        single.file_meta = FileMetaDataset()
        single.file_meta.TransferSyntaxUID = syntax_uid(self._dataset)
        if self._element.encapsulated:
            content = encapsulate([self._source.read(self._pieces[index])])
        else:
            content = self._native(index)
        vr = "OB" if self._is_bytes() else "OW"
        single.add_new("PixelData", vr, content)
        single["PixelData"].is_undefined_length = self._element.encapsulated
        return single

    def _is_bytes(self) -> bool:
        return self._element.encapsulated or int(self._dataset.BitsAllocated) <= 8

    def _native(self, index: int) -> bytes:
        ((start, size),) = self._pieces[index]
        swapped = (
            self._dataset.original_encoding[1] is False
            and self._element.vr == "OW"
            and self._is_bytes()
        )
        if not swapped:
            return self._source.read([(start, size)])
        # Bytes in big-endian words stand in pairs the wrong way round; a frame of odd
        # size begins in the middle of one.
        before = (start - self._element.start) % 2
        length = before + size + (before + size) % 2
        words = np.frombuffer(self._source.read([(start - before, length)]), "<u2")
        return words.byteswap().tobytes()[before : before + size]

    @property
    def lossy(self) -> bool:
        """Whether the file says, or its transfer syntax means, that gray changed."""
        said = str(self._dataset.get("LossyImageCompression") or "") == "01"
        return said or syntax_uid(self._dataset) in ALWAYS_LOSSY

    def pixels(self, index: int) -> npt.NDArray[Any]:
        """Return a frame before it becomes gray levels.

        Returns
        -------
        ndarray, shape (depth, lateral) or (depth, lateral, 3)
            Stored values of gray and palette images, else RGB (uint8).

        Raises
        ------
        ImageReadError
            If it is damaged or needs a decoder that is not there.
        """
        with dicom_guard(self._name):
            return self._picture(index)[0]

    def _picture(
        self, index: int
    ) -> tuple[npt.NDArray[Any], npt.NDArray[np.uint8] | None]:
        """Return a frame as stored or RGB, and the Y plane where there is one."""
        stored, colour = self._decode(index)
        if self._photometric in _ONE_VALUE:
            return stored, None
        if stored.dtype.itemsize > 1:
            raise damaged(self._name)
        if colour != "YBR":
            return stored, None
        return rgb_from_ybr(stored), stored[..., 0]

    def _gray(self, index: int) -> Frame:
        picture, luma = self._picture(index)
        if self._photometric.startswith("MONOCHROME"):
            gray, self.rule = gray_levels(picture, self._dataset, self._name)
            return Frame(np.ascontiguousarray(gray))
        rgb = picture
        if self._photometric == "PALETTE COLOR":
            rgb = apply_palette(picture, self._dataset, self._name)
        gray = gray_from_rgb(rgb, rule=self._gray_rule)
        if self._gray_rule == "luma601" and luma is not None:
            # The Y plane itself: RGB clips it where the chroma is strong.
            gray = luma
        self.rule = self._gray_rule
        where = coloured_pixels(rgb, tolerance=self._tolerance())
        return Frame(np.ascontiguousarray(gray), where if where.any() else None)

    def _decode(self, index: int) -> tuple[npt.NDArray[Any], str]:
        """Return the stored values, and ``"YBR"`` or ``"RGB"`` as they really are."""
        if self._element.encapsulated and syntax_uid(self._dataset) in JPEG_FAMILY:
            try:
                return self._decode_stream(self._source.read(self._pieces[index]))
            except ImportError:
                words = syntax_name(syntax_uid(self._dataset))
                raise ImageReadError(
                    f"{self._name!r} is compressed as {words}, whose decoder is not "
                    "there; install imagecodecs."
                ) from None
        stored_colour = "YBR" if self._photometric in _YBR_STORED else "RGB"
        if self._element.encapsulated:
            return self._decode_rle(index), stored_colour
        from pydicom.pixels import pixel_array

        single = self._single(index)
        try:
            pixels: npt.NDArray[Any] = pixel_array(single, raw=True)
        except BROKEN:
            raise damaged(self._name) from None
        if pixels.ndim == 4 and pixels.shape[0] == 1:
            pixels = pixels[0]
        self._check_shape(pixels.shape[:2], math.prod(pixels.shape[2:]))
        return pixels, stored_colour

    def _decode_rle(self, index: int) -> npt.NDArray[Any]:
        data = self._dataset
        bits = int(data.BitsAllocated)
        signed = int(data.PixelRepresentation) == 1
        values = decode_rle(
            self._source.read(self._pieces[index]),
            self.shape[1:],
            samples=int(data.SamplesPerPixel),
            dtype=f"{'i' if signed else 'u'}{bits // 8}",
        )
        unused = bits - int(data.BitsStored)
        return values << unused >> unused if unused else values

    def _decode_stream(self, content: bytes) -> tuple[npt.NDArray[Any], str]:
        said = read_code_stream(content)
        # Before it is decoded: a decoder trusts the stream, whatever its size.
        self._check_shape(said.shape, said.samples)
        if said.bits > int(self._dataset.BitsAllocated):
            raise damaged(self._name)
        colour = self._colour(said) if said.samples == 3 else ""
        values = said.decode(
            signed=int(self._dataset.PixelRepresentation) == 1,
            bits_stored=int(self._dataset.BitsStored),
        )
        if said.kind == "jpeg" and said.bits == 8 and ends_in_filler(values):
            raise damaged(self._name)
        return values, colour

    def _check_shape(self, shape: tuple[int, ...], samples: int) -> None:
        if shape != self.shape[1:]:
            raise ImageReadError(
                f"{self._name!r} says it has {self.shape[1]} × {self.shape[2]} pixels, "
                f"its frame {shape[0]} × {shape[1]}; it is damaged."
            )
        if samples != int(self._dataset.SamplesPerPixel):
            raise damaged(self._name)

    def _colour(self, said: CodeStream) -> str:
        """Return what the stream's values are; the stream knows better, PS3.5 8.2.1."""
        told = "YBR" if self._photometric in _YBR_STORED else "RGB"
        transformed = self._photometric in ("YBR_RCT", "YBR_ICT")
        if said.kind != "jpeg-2000" and not transformed:
            return said.colour or told
        if said.kind == "jpeg-2000" and (told == "RGB" or not said.colour):
            return told
        raise ImageReadError(
            f"{self._name!r} says {self._photometric} where its compressed frames hold "
            "another colour model; export it uncompressed."
        )

    def _tolerance(self) -> int:
        """Return the channel difference that is not colour in this file."""
        lossy = str(self._dataset.get("LossyImageCompression") or "") == "01"
        jpeg = syntax_uid(self._dataset) in JPEG_FAMILY
        # Half-width chroma colours the edge of every coloured line, so does rounding.
        subsampled = self._photometric.startswith("YBR")
        return LOSSY_TOLERANCE if lossy or jpeg or subsampled else 0


def rgb_from_ybr(ybr: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return RGB of YBR_FULL pixels, by pydicom's conversion.

    Where the chroma is neutral, R = G = B = Y; only the other pixels, few in
    ultrasound, are computed.

    References
    ----------
    DICOM PS3.3 C.7.6.3.1.2.
    """
    from pydicom.pixels import convert_color_space

    rgb = np.repeat(ybr[..., :1], 3, axis=-1)
    colour = (ybr[..., 1] != _NEUTRAL) | (ybr[..., 2] != _NEUTRAL)
    if colour.any():
        # As a picture of one row, since the conversion takes pictures.
        rgb[colour] = convert_color_space(ybr[colour][None], "YBR_FULL", "RGB")[0]
    return rgb


def syntax_uid(dataset: Dataset) -> str:
    """Return the transfer syntax, by the header's looks where it is not told."""
    from pydicom import uid

    told = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
    if told:
        return str(told)
    # Without a word about it, what the header turned out to be.
    implicit, little = dataset.original_encoding
    if implicit:
        return str(uid.ImplicitVRLittleEndian)
    return str(uid.ExplicitVRBigEndian if not little else uid.ExplicitVRLittleEndian)
