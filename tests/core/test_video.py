"""Video and GIF clips: the right frame at the right time, whatever was shown before."""

from __future__ import annotations

import io
import random
import struct
import sys
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

import napari_muscle_us as mus
from napari_muscle_us.digest import FileDigest
from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.io import video_container
from napari_muscle_us.io.video import avi_states_rate, looks_like_video, read_video

from .mutation import mutated

ROWS, COLUMNS, BLOCK = 48, 64, 8
PLACES = (ROWS // BLOCK) * (COLUMNS // BLOCK)
NO_SIZE = "The size of a pixel is not known: lengths and areas are in pixels."
NO_TIMES = "The file does not tell the times of its frames."


def picture(index):
    """Return a gray RGB picture whose bright block tells which frame it is."""
    rgb = np.full((ROWS, COLUMNS, 3), 40, np.uint8)
    row, column = divmod(index % PLACES, COLUMNS // BLOCK)
    rgb[row * BLOCK : (row + 1) * BLOCK, column * BLOCK : (column + 1) * BLOCK] = 200
    return rgb


def frame_number(gray):
    """Return the frame that a picture says it is."""
    blocks = gray.reshape(ROWS // BLOCK, BLOCK, COLUMNS // BLOCK, BLOCK)
    means = blocks.mean(axis=(1, 3))
    assert np.sort(means.ravel())[-2] < 90 < 150 < means.max()
    return int(means.argmax())


def encode(
    codec,
    container,
    pixels,
    *,
    count=30,
    times=None,
    time_base=Fraction(1, 25),
    pictures=picture,
    options=None,
    matrix=None,
    aspect=None,
    streams=1,
    **context,
):
    """Return a video of numbered pictures, or of `pictures`."""
    if codec not in av.codecs_available:
        pytest.skip(f"this FFmpeg has no {codec}")
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as output:
        tracks = []
        for _ in range(streams):
            track = output.add_stream(codec, rate=25)
            first = pictures(0)
            shape = first.shape[:2] if isinstance(first, np.ndarray) else None
            track.height, track.width = shape or (first.height, first.width)
            track.pix_fmt = pixels
            track.codec_context.options = options or {}
            if container in ("mp4", "mov", "matroska"):
                track.time_base = track.codec_context.time_base = time_base
            if matrix is not None:
                track.set_display_matrix(matrix)
            if aspect is not None:
                track.codec_context.sample_aspect_ratio = aspect
            for name, value in context.items():
                setattr(track.codec_context, name, value)
            tracks.append(track)
        for track in tracks:
            for i in range(count):
                made = pictures(i)
                frame = (
                    av.VideoFrame.from_ndarray(made, format="rgb24")
                    if isinstance(made, np.ndarray)
                    else made
                )
                frame.pts = i if times is None else times[i]
                frame.time_base = time_base
                output.mux(track.encode(frame))
            output.mux(track.encode(None))
    return buffer.getvalue()


@pytest.fixture
def read(tmp_path):
    def read_bytes(content, name="clip.bin", **options):
        path = tmp_path / name
        path.write_bytes(content)
        return read_video(path, name=name, digest="0" * 64, **options)

    return read_bytes


def shuffled(count, seed=5):
    order = list(range(count))
    random.Random(seed).shuffle(order)
    return order


CLIPS = {
    "h264-mp4": ("libx264", "mp4", "yuv420p", {"gop_size": 8, "max_b_frames": 3}),
    "h264-mov": ("libx264", "mov", "yuv420p", {"gop_size": 8}),
    "h264-open": (
        "libx264",
        "mp4",
        "yuv420p",
        {"options": {"x264-params": "open-gop=1:keyint=8:min-keyint=8:bframes=3"}},
    ),
    "h264-refresh": (
        "libx264",
        "mp4",
        "yuv420p",
        {"options": {"x264-params": "intra-refresh=1:keyint=8"}},
    ),
    "h264-fragments": (
        "libx264",
        "mp4",
        "yuv420p",
        {"gop_size": 8, "options": {"movflags": "frag_keyframe+empty_moov"}},
    ),
    "h264-avi": ("libx264", "avi", "yuv420p", {"gop_size": 8, "max_b_frames": 2}),
    "h264-mkv": ("libx264", "matroska", "yuv420p", {"gop_size": 8}),
    "mpeg4-mp4": ("mpeg4", "mp4", "yuv420p", {"gop_size": 8, "max_b_frames": 2}),
    "mpeg4-avi": ("mpeg4", "avi", "yuv420p", {"gop_size": 8, "max_b_frames": 2}),
    "mjpeg-avi": ("mjpeg", "avi", "yuvj420p", {}),
    "mjpeg-mov": ("mjpeg", "mov", "yuvj420p", {}),
    "ffv1-avi": ("ffv1", "avi", "gray", {"gop_size": 8}),
    "raw-gray-avi": ("rawvideo", "avi", "gray", {}),
    "raw-colour-avi": ("rawvideo", "avi", "bgr24", {}),
    "video1-avi": ("msvideo1", "avi", "rgb555le", {}),
    "wmv2-asf": ("wmv2", "asf", "yuv420p", {"gop_size": 8}),
    "png-mov": ("png", "mov", "rgb24", {}),
    "vp8-webm": ("libvpx", "webm", "yuv420p", {"gop_size": 8}),
    "vp9-webm": ("libvpx-vp9", "webm", "yuv420p", {"gop_size": 8}),
    "mpeg2-program": ("mpeg2video", "mpeg", "yuv420p", {"max_b_frames": 2}),
}


@pytest.mark.parametrize(
    ("codec", "container", "pixels", "options"), CLIPS.values(), ids=CLIPS
)
def test_every_frame_is_the_right_one_at_its_time(
    read, codec, container, pixels, options
):
    image = read(encode(codec, container, pixels, **options))
    assert image.gray.shape == (30, ROWS, COLUMNS)
    np.testing.assert_allclose(image.frame_times_s, np.arange(30) / 25, atol=1e-9)
    source = image.gray._source
    in_order = [source.read(i).gray for i in range(30)]
    assert [frame_number(gray) for gray in in_order] == list(range(30))
    for index in (*shuffled(30), *range(29, -1, -3)):
        np.testing.assert_array_equal(source.read(index).gray, in_order[index])
    assert image.spacing_mm is None
    assert image.warnings == (NO_SIZE,)
    assert image.lossy == (codec not in ("ffv1", "rawvideo", "png"))


@pytest.mark.parametrize("kind", ["h264-mp4", "h264-avi", "wmv2-asf", "vp8-webm"])
def test_playing_does_not_jump_and_jumping_does(read, monkeypatch, kind):
    codec, container, pixels, options = CLIPS[kind]
    image = read(encode(codec, container, pixels, count=46, **options))
    source = image.gray._source
    source._recent = type(source._recent)(item_bytes=1, limit=0)
    jumps, opened = [], []
    real_seek = video_container.OpenVideo.seek
    real_set_up = video_container.OpenVideo._set_up
    monkeypatch.setattr(
        video_container.OpenVideo,
        "seek",
        lambda self, time: (jumps.append(time), real_seek(self, time)),
    )
    monkeypatch.setattr(
        video_container.OpenVideo,
        "_set_up",
        lambda self: (opened.append(1), real_set_up(self))[1],
    )
    for index in range(1, 46):
        source.read(index)
    assert (jumps, opened) == ([], [])
    assert frame_number(source.read(40).gray) == 40
    assert len(jumps) >= 1
    assert opened == []


TIMES_MS = [0, 40, 45, 130, 131, 500, 1203, 1243, 1300, 2000]


@pytest.mark.parametrize(
    ("codec", "container"),
    [("libx264", "mp4"), ("mpeg4", "mp4"), ("mjpeg", "mov"), ("libx264", "matroska")],
    ids=lambda v: v,
)
def test_a_variable_frame_rate_is_kept(read, codec, container):
    content = encode(
        codec,
        container,
        "yuvj420p" if codec == "mjpeg" else "yuv420p",
        count=10,
        times=TIMES_MS,
        time_base=Fraction(1, 1000),
    )
    image = read(content)
    np.testing.assert_allclose(
        image.frame_times_s, np.array(TIMES_MS) / 1000, atol=1e-9
    )
    assert [frame_number(image.gray[i]) for i in range(10)] == list(range(10))


def test_times_start_at_the_first_frame(read):
    times = [700 + 40 * i for i in range(5)]
    content = encode(
        "mpeg4", "mp4", "yuv420p", count=5, times=times, time_base=Fraction(1, 1000)
    )
    np.testing.assert_allclose(
        read(content).frame_times_s, np.arange(5) * 0.04, atol=1e-9
    )


def avi_without_rate(content):
    """Return an AVI whose header states neither a rate nor a period."""
    content = bytearray(content)
    at = content.index(b"avih")
    content[at + 8 : at + 12] = bytes(4)
    at = content.index(b"strh")
    content[at + 28 : at + 36] = bytes(8)
    return bytes(content)


def test_no_rate_is_made_up(read):
    content = encode("mjpeg", "avi", "yuvj420p", count=4)
    assert avi_states_rate(content)
    image = read(avi_without_rate(content))
    assert image.n_frames == 4
    assert image.frame_times_s is None
    assert NO_TIMES in image.warnings


def test_one_frame_is_a_still(read):
    image = read(encode("mjpeg", "avi", "yuvj420p", count=1))
    assert not image.is_clip
    assert frame_number(image.pixels) == 0
    assert image.frame_times_s is None
    assert image.warnings == (NO_SIZE,)


# Gray levels


def ramp(pixels, chroma=128, full=False):
    """Return a picture whose luma takes all 256 values."""
    frame = av.VideoFrame(COLUMNS, ROWS, pixels)
    luma = np.resize(np.arange(256, dtype=np.uint8), (ROWS, COLUMNS))
    for plane, values in zip(
        frame.planes,
        (luma, *(np.full((ROWS // 2, COLUMNS // 2), chroma, np.uint8),) * 2),
        strict=False,
    ):
        padded = np.zeros((values.shape[0], plane.line_size), np.uint8)
        padded[:, : values.shape[1]] = values
        plane.update(padded.tobytes())
    if full:
        frame.color_range = 2
    return luma, frame


@pytest.mark.parametrize(
    ("pixels", "container", "full"),
    [
        ("yuv420p", "avi", False),
        ("yuv420p", "matroska", False),
        ("yuv420p", "matroska", True),
        ("gray", "avi", True),
    ],
    ids=["limited-avi", "limited-mkv", "full-mkv", "gray-avi"],
)
def test_gray_levels_of_a_lossless_video(read, pixels, container, full):
    luma, _ = ramp(pixels)
    image = read(
        encode(
            "ffv1",
            container,
            pixels,
            count=2,
            pictures=lambda _: ramp(pixels, full=full and pixels != "gray")[1],
            **({"color_range": 2} if full and pixels != "gray" else {}),
        )
    )
    stretched = np.floor((luma.astype(float) - 16) * 255 / 219 + 0.5).clip(0, 255)
    expected = luma if full else stretched.astype(np.uint8)
    np.testing.assert_array_equal(image.gray[1], expected)
    assert image.frame(1).coloured is None
    assert image.gray_rule == ("stored" if pixels == "gray" else "imagej")


def marked(_index):
    rgb = np.repeat(picture(3)[..., :1], 3, axis=2)
    rgb[4:12, 8:24] = (255, 255, 0)
    return rgb


@pytest.mark.parametrize("rule", ["imagej", "luma601"])
@pytest.mark.parametrize(
    ("codec", "container", "pixels"),
    [("rawvideo", "avi", "bgr24"), ("png", "mov", "rgb24")],
    ids=["raw", "png"],
)
def test_colour_by_the_rule(read, rule, codec, container, pixels):
    content = encode(codec, container, pixels, count=3, pictures=marked)
    image = read(content, gray_rule=rule)
    still = image.frame(2)
    np.testing.assert_array_equal(still.pixels, mus.gray_from_rgb(marked(2), rule=rule))
    assert image.gray_rule == rule
    assert still.coloured.sum() == 8 * 16
    assert still.coloured[4:12, 8:24].all()


def test_a_coloured_mark_is_found_after_compression(read):
    image = read(
        encode("mjpeg", "avi", "yuvj444p", pictures=marked, options={"qmin": "1"})
    )
    coloured = image.frame(7).coloured
    assert coloured[5:11, 9:23].all()
    outside = np.ones(coloured.shape, bool)
    outside[:16, :32] = False
    assert not coloured[outside].any()


ONE = 1 << 16
TURNS = {
    "upright": ((1, 0, 0, 1), lambda a: a),
    "left-right": ((-1, 0, 0, 1), np.fliplr),
    "upside-down": ((1, 0, 0, -1), np.flipud),
    "half-turn": ((-1, 0, 0, -1), lambda a: np.rot90(a, 2)),
    "clockwise": ((0, 1, -1, 0), lambda a: np.rot90(a, -1)),
    "anticlockwise": ((0, -1, 1, 0), lambda a: np.rot90(a, 1)),
    "diagonal": ((0, 1, 1, 0), lambda a: a.T),
    "other-diagonal": ((0, -1, -1, 0), lambda a: np.rot90(a, 2).T),
}


def matrix_of(a, b, c, d):
    return [a * ONE, b * ONE, 0, c * ONE, d * ONE, 0, 0, 0, 1 << 30]


@pytest.mark.parametrize(("units", "turn"), TURNS.values(), ids=TURNS)
def test_a_turned_video_is_shown_upright(read, units, turn):
    options = {"count": 3, "options": {"qscale": "2"}}
    plain = read(encode("mpeg4", "mp4", "yuv420p", **options))
    image = read(
        encode("mpeg4", "mp4", "yuv420p", matrix=matrix_of(*units), **options), "t.mp4"
    )
    np.testing.assert_array_equal(image.gray[2], turn(plain.gray[2]))


def test_a_slanting_video_is_refused(read, one_sentence):
    matrix = [46341, 46341, 0, -46341, 46341, 0, 0, 0, 1 << 30]
    with pytest.raises(ImageReadError, match="no quarter turn") as error:
        read(encode("mpeg4", "mp4", "yuv420p", matrix=matrix))
    assert one_sentence(str(error.value))


# Caveats


def test_the_first_of_two_videos_is_shown(read):
    image = read(encode("mpeg4", "mp4", "yuv420p", count=5, streams=2))
    assert image.n_frames == 5
    assert "The file holds 2 videos; the first is shown." in image.warnings


def test_oblong_pixels_are_told(read, one_sentence):
    image = read(encode("mpeg4", "mp4", "yuv420p", count=3, aspect=Fraction(4, 3)))
    told = [w for w in image.warnings if "not square" in w]
    assert len(told) == 1
    assert "4:3" in told[0]
    assert one_sentence(told[0])


def test_sound_is_left_out(read):
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as output:
        sound = output.add_stream("aac", rate=8000)
        track = output.add_stream("mpeg4", rate=25)
        track.width, track.height, track.pix_fmt = COLUMNS, ROWS, "yuv420p"
        quiet = av.AudioFrame(format="fltp", layout="mono", samples=1024)
        quiet.planes[0].update(bytes(quiet.planes[0].buffer_size))
        quiet.sample_rate, quiet.pts = 8000, 0
        output.mux(sound.encode(quiet))
        for i in range(6):
            frame = av.VideoFrame.from_ndarray(picture(i), format="rgb24")
            output.mux(track.encode(frame))
        output.mux(sound.encode(None))
        output.mux(track.encode(None))
    image = read(buffer.getvalue())
    assert [frame_number(image.gray[i]) for i in range(6)] == list(range(6))
    assert image.warnings == (NO_SIZE,)


# Damage


def packets_of(content):
    with av.open(io.BytesIO(content)) as container:
        return [
            (p.pos, p.size, p.is_keyframe, p.pts)
            for p in container.demux(video=0)
            if p.size
        ]


def test_frames_that_build_on_a_damaged_one_are_refused(read, one_sentence):
    content = bytearray(
        encode("libx264", "mp4", "yuv420p", count=24, gop_size=8, max_b_frames=0)
    )
    whole = read(bytes(content))
    expected = [whole.gray[i] for i in range(24)]
    at, size, key, _ = packets_of(bytes(content))[11]
    assert not key
    content[at + 4 : at + size] = b"\xff" * (size - 4)
    image = read(bytes(content), "hurt.mp4")
    assert image.n_frames == 24
    for index in shuffled(24):
        if 11 <= index < 16:
            with pytest.raises(ImageReadError, match=f"Frame {index} of") as error:
                image.gray[index]
            assert one_sentence(str(error.value))
        else:
            np.testing.assert_array_equal(image.gray[index], expected[index])


def test_a_damaged_first_group_leaves_the_rest(read):
    content = bytearray(
        encode("libx264", "mp4", "yuv420p", count=24, gop_size=8, max_b_frames=0)
    )
    at, size, _, _ = packets_of(bytes(content))[0]
    # Behind the header of the slice, which marks it as a key picture.
    content[at + size - 20 : at + size] = b"\xff" * 20
    image = read(bytes(content))
    assert image.n_frames == 24
    assert "The first 8 frames are damaged" in image.warnings[0]
    with pytest.raises(ImageReadError, match="Frame 3 of"):
        image.gray[3]
    assert frame_number(image.gray[8]) == 8


@pytest.mark.parametrize(
    ("codec", "container", "pixels", "options", "share"),
    [
        ("mjpeg", "avi", "yuvj420p", {}, 0.6),
        ("mpeg4", "avi", "yuv420p", {}, 0.88),
        ("mjpeg", "mov", "yuvj420p", {}, 0.6),
        ("libx264", "matroska", "yuv420p", {"gop_size": 5}, 0.8),
    ],
    ids=["mjpeg-avi", "mpeg4-avi", "mjpeg-mov", "h264-mkv"],
)
def test_a_cut_clip_shows_what_is_there(
    read, tmp_path, codec, container, pixels, options, share
):
    content = encode(codec, container, pixels, **options)
    if container == "mov":
        content = moov_first(content, tmp_path / "whole.mov")
    image = read(content[: int(len(content) * share)])
    assert 5 < image.n_frames < 30
    for index in shuffled(image.n_frames):
        assert frame_number(image.gray[index]) == index
    if container != "matroska":  # It does not say how many frames there were.
        assert "cut short" in image.warnings[0]


def moov_first(content, path):
    """Return a MOV file with its description before its pictures."""
    with (
        av.open(io.BytesIO(content)) as source,
        av.open(
            str(path), "w", format="mov", options={"movflags": "faststart"}
        ) as output,
    ):
        track = output.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = track
                output.mux(packet)
    return path.read_bytes()


def test_an_mp4_cut_before_its_description_is_refused(read, one_sentence):
    content = encode("mpeg4", "mp4", "yuv420p")
    with pytest.raises(ImageReadError, match="not a readable video") as error:
        read(content[: content.index(b"moov") - 10])
    assert one_sentence(str(error.value))


def test_key_marks_that_lie_do_not_spoil_a_frame(read):
    content = bytearray(encode("mpeg4", "avi", "yuv420p", gop_size=8))
    entries = content.index(b"idx1") + 8
    for at in range(entries, len(content) - 15, 16):
        if content[at : at + 4] == b"00dc":
            struct.pack_into("<I", content, at + 4, 0x10)
    image = read(bytes(content))
    source = image.gray._source
    in_order = [source.read(i).gray for i in range(30)]
    assert [frame_number(gray) for gray in in_order] == list(range(30))
    again = read(bytes(content), "again.avi").gray._source
    for index in shuffled(30):
        np.testing.assert_array_equal(again.read(index).gray, in_order[index])


def jpeg(index, rows, columns):
    buffer = io.BytesIO()
    Image.fromarray(np.full((rows, columns), 9 * index, np.uint8)).save(buffer, "JPEG")
    return buffer.getvalue()


def test_a_change_of_size_is_refused_for_that_frame(read, one_sentence):
    content = bytearray(encode("mjpeg", "avi", "yuvj420p", count=6))
    packets = packets_of(bytes(content))
    at, size, *_ = packets[4]
    small = jpeg(4, 16, 16)
    assert len(small) <= size
    content[at : at + size] = small + bytes(size - len(small))
    image = read(bytes(content))
    assert frame_number(image.gray[3]) == 3
    with pytest.raises(ImageReadError, match=r"Frame 4 .* 16 × 16 pixels") as error:
        image.gray[4]
    assert one_sentence(str(error.value))
    assert frame_number(image.gray[5]) == 5


def test_a_changed_file_is_refused(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(encode("mpeg4", "mp4", "yuv420p"))
    image = read_video(path, name="clip.mp4", digest=FileDigest(path))
    assert frame_number(image.gray[2]) == 2
    path.write_bytes(encode("mpeg4", "mp4", "yuv420p", count=31))
    with pytest.raises(ImageReadError, match="has changed since it was opened"):
        image.gray[20]


# Refusals


def colourful(_index):
    row, column = np.indices((ROWS, COLUMNS))
    rgb = np.stack([row * 5 % 256, column * 4 % 256, (row + column) * 2 % 256], -1)
    return rgb.astype(np.uint8)


def sound_only():
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as output:
        sound = output.add_stream("aac", rate=8000)
        quiet = av.AudioFrame(format="fltp", layout="mono", samples=1024)
        quiet.planes[0].update(bytes(quiet.planes[0].buffer_size))
        quiet.sample_rate, quiet.pts = 8000, 0
        output.mux(sound.encode(quiet))
        output.mux(sound.encode(None))
    return buffer.getvalue()


def too_many_samples():
    """Return an MP4 that states two thousand million pictures of a byte each."""
    content = bytearray(encode("mpeg4", "mp4", "yuv420p"))
    at = content.index(b"stsz") + 4
    struct.pack_into(">II", content, at + 4, 1, 2_000_000_000)
    return bytes(content)


def huge_pictures():
    content = bytearray(encode("rawvideo", "avi", "bgr24", count=3))
    at = content.index(b"strf") + 8
    struct.pack_into("<II", content, at + 4, 30_000, 30_000)
    return bytes(content)


REFUSED = {
    "film": (
        lambda: encode("rawvideo", "avi", "bgr24", count=3, pictures=colourful),
        "colour picture",
    ),
    "sound": (sound_only, "no moving picture"),
    "deep": (
        lambda: encode("ffv1", "matroska", "gray10le", count=2),
        "more than 8 bits a pixel",
    ),
    "codec": (lambda: encode("flv", "avi", "yuv420p", count=2), "'flv', which is not"),
    "promises": (too_many_samples, "says it holds 2000000000 pictures"),
    "huge": (huge_pictures, "30000 × 30000 pixels|not a readable video"),
    "playlist": (
        lambda: b"#EXTM3U\n#EXTINF:10,\nhttp://example.org/a.ts\n",
        "not a readable video",
    ),
    "list": (lambda: b"ffconcat version 1.0\nfile /etc/passwd\n", "not a readable"),
    "signature-only": (lambda: b"RIFF\0\0\0\0AVI ", "not a readable video"),
    "empty-mp4": (lambda: b"\0\0\0\x08ftyp", "not a readable video"),
    "picture": (lambda: b"\0\0\0\x18ftypheic" + bytes(40), "not a readable video"),
}


@pytest.mark.parametrize(("make", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_clip_is_refused(read, one_sentence, make, words):
    with pytest.raises(ImageReadError, match=words) as error:
        read(make())
    assert one_sentence(str(error.value))
    assert "'clip.bin'" in str(error.value)


def test_a_video_may_not_open_other_files():
    with pytest.raises(PermissionError):
        video_container._refuse_other_files("/etc/passwd", 1, {})


def test_videos_are_told_by_their_content():
    for kind in CLIPS:
        codec, container, pixels, options = CLIPS[kind]
        content = encode(codec, container, pixels, count=2, **options)
        assert looks_like_video(content[:4096]), kind
    assert looks_like_video(gif([picture(0)]))
    for head in (b"", b"RIFF\0\0\0\0WAVE", b"\x89PNG\r\n\x1a\n", b"GIF90a", b"#EXTM3U"):
        assert not looks_like_video(head)
    assert not looks_like_video(b"\0\0\0\x18ftypheic")


# GIF


def gif(pictures, **options):
    buffer = io.BytesIO()
    frames = [Image.fromarray(p) for p in pictures]
    frames[0].save(
        buffer,
        "GIF",
        save_all=True,
        append_images=frames[1:],
        optimize=False,
        **options,
    )
    return buffer.getvalue()


def test_gif_frames_and_times(read):
    delays = [40, 50, 30, 200, 70]
    image = read(gif([picture(i) for i in range(5)], duration=delays))
    np.testing.assert_allclose(image.frame_times_s, [0, 0.04, 0.09, 0.12, 0.32])
    for index in (4, 0, 2, 3, 1, 4):
        np.testing.assert_array_equal(image.gray[index], picture(index)[..., 0])
    assert image.frame(3).coloured is None
    assert image.warnings == (NO_SIZE,)


def test_gif_without_delays_has_no_times(read):
    image = read(gif([picture(i) for i in range(3)], duration=[40, 0, 40]))
    assert image.n_frames == 3
    assert image.frame_times_s is None
    assert NO_TIMES in image.warnings


def test_gif_of_one_frame_is_a_still(read):
    image = read(gif([marked(0)]))
    assert not image.is_clip
    np.testing.assert_array_equal(image.pixels, mus.gray_from_rgb(marked(0)))
    assert image.coloured.sum() == 8 * 16


@pytest.mark.parametrize("disposal", [1, 2, 3, [1, 3, 2, 1, 3]], ids=str)
@pytest.mark.parametrize("seed", range(4))
def test_gif_frames_are_composed_as_pillow_does(read, disposal, seed):
    chance = np.random.default_rng(seed)
    pictures = []
    for i in range(5):
        blocks = chance.integers(0, 256, (5, 6, 4), dtype=np.uint8)
        rgba = np.kron(blocks, np.ones((4, 4, 1), np.uint8))
        rgba[..., :3] = rgba[..., :1]
        rgba[..., 3] = np.where((rgba[..., 3] > 90) | (i == 0), 255, 0)
        pictures.append(rgba)
    content = gif(pictures, duration=40, disposal=disposal)
    image = read(content)
    theirs = Image.open(io.BytesIO(content))
    assert image.n_frames == theirs.n_frames
    for index in reversed(range(image.n_frames)):
        theirs.seek(index)
        rgba = np.asarray(theirs.convert("RGBA"))
        expected = np.where(rgba[..., 3] > 0, rgba[..., 0], 0)
        np.testing.assert_array_equal(image.gray[index], expected)


def gif_block(box, value, *, disposal=0):
    """Return a control and an image block that fill a box with a colour number."""
    left, top, columns, rows = box
    clear, end, width = 256, 257, 9
    codes = [clear]
    for i in range(columns * rows):
        # Cleared before the codes would grow to 10 bits.
        codes += [value, clear] if i % 100 == 99 else [value]
    codes.append(end)
    bits = sum(code << (width * i) for i, code in enumerate(codes))
    data = bits.to_bytes((width * len(codes) + 7) // 8, "little")
    chunks = [data[i : i + 255] for i in range(0, len(data), 255)]
    blocks = b"".join(bytes((len(chunk),)) + chunk for chunk in chunks)
    control = b"\x21\xf9\x04" + bytes((disposal << 2, 10, 0, 0, 0))
    place = struct.pack("<4HB", left, top, columns, rows, 0)
    return control + b"\x2c" + place + b"\x08" + blocks + b"\0"


def test_gif_disposal_that_is_not_stated_leaves_the_picture(read):
    grays = bytes(v for v in range(256) for _ in range(3))
    content = (
        b"GIF89a"
        + struct.pack("<HH", 8, 6)
        + b"\xf7\0\0"
        + grays
        + gif_block((0, 0, 8, 6), 10)
        + gif_block((0, 0, 4, 6), 90, disposal=3)
        + gif_block((4, 0, 2, 6), 200)
        + gif_block((6, 0, 2, 3), 250, disposal=2)
        + gif_block((0, 0, 1, 1), 77)
        + b"\x3b"
    )
    image = read(content)
    shown = np.full((5, 6, 8), 10)
    shown[1, :, :4] = 90
    shown[2:, :, 4:6] = 200
    shown[3, :3, 6:] = 250
    shown[4, :3, 6:] = 0
    shown[4, 0, 0] = 77
    for index in (3, 4, 0, 2, 1):
        np.testing.assert_array_equal(image.gray[index], shown[index])
    np.testing.assert_allclose(image.frame_times_s, np.arange(5) / 10)


def test_a_cut_gif_shows_what_is_there(read):
    content = gif([picture(i) for i in range(8)], duration=40)
    image = read(content[: len(content) * 6 // 10])
    assert 2 <= image.n_frames < 8
    assert "cut short" in image.warnings[0]
    last = image.n_frames - 1
    np.testing.assert_array_equal(image.gray[last], picture(last)[..., 0])


@pytest.mark.parametrize(
    "content",
    [
        b"GIF89a",
        b"GIF89a" + struct.pack("<HH", 65535, 65535) + b"\0\0\0\x3b",
        b"GIF89a" + struct.pack("<HH", 8, 8) + b"\0\0\0\x3b",
        b"GIF89a" + struct.pack("<HH", 8, 8) + b"\0\0\0\x2c" + bytes(20),
    ],
    ids=["header", "huge", "no-frame", "no-palette"],
)
def test_a_gif_that_is_none_is_refused(read, one_sentence, content):
    with pytest.raises(ImageReadError, match="clip") as error:
        read(content)
    assert one_sentence(str(error.value))


# Real clips


@pytest.mark.parametrize(
    ("name", "count", "last_s"),
    [
        ("butterfly-ocular-phantom.mp4", 369, 29.0733333),
        ("clarius-ocular-short.mp4", 50, 1.96),
        ("sonosite-anon-eye1-video.mp4", 100, 3.96),
        ("contraction.gif", 31, 0.9),
    ],
)
def test_real_clips(shared, name, count, last_s):
    # Counts and times as ffprobe states them.
    image = mus.read_image(shared(f"data/video/{name}"))
    assert image.n_frames == count
    assert image.frame_times_s[-1] == pytest.approx(last_s, abs=1e-6)
    source = image.gray._source
    chosen = sorted(shuffled(count)[:12])
    in_order = [source.picture(i) for i in chosen]
    other = mus.read_image(shared(f"data/video/{name}")).gray._source
    for place in shuffled(len(chosen), seed=2):
        np.testing.assert_array_equal(other.picture(chosen[place]), in_order[place])


# Files that lie

MUTATED = {
    kind: CLIPS[kind]
    for kind in ("h264-mp4", "mpeg4-avi", "mjpeg-avi", "wmv2-asf", "vp8-webm")
}


@pytest.mark.parametrize(
    ("codec", "container", "pixels", "options"), MUTATED.values(), ids=MUTATED
)
def test_mutated_videos_open_or_are_refused(read, codec, container, pixels, options):
    content = encode(codec, container, pixels, count=12, **options)
    check_mutations(read, content, range(14))


def test_mutated_gifs_open_or_are_refused(read):
    content = gif([marked(0), picture(1), picture(2)], duration=40)
    check_mutations(read, content, range(30))


def check_mutations(read, content, seeds):
    for seed in seeds:
        try:
            image = read(mutated(content, seed))
        except ImageReadError:
            continue
        times = image.frame_times_s
        if times is not None:
            assert len(times) == image.n_frames
            assert times[0] == 0
            assert (np.diff(times) > 0).all()
        for index in {0, image.n_frames // 2, image.n_frames - 1}:
            try:
                still = image.frame(index)
            except ImageReadError:
                continue
            assert still.pixels.shape == image.frame_shape


def test_without_pyav_a_video_is_refused_with_what_to_install(
    tmp_path, monkeypatch, one_sentence
):
    path = tmp_path / "clip.avi"
    path.write_bytes(encode("mjpeg", "avi", "yuvj420p"))
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ImageReadError, match=r"napari-muscle-us\[video\]") as error:
        mus.read_image(path)
    assert one_sentence(str(error.value))
