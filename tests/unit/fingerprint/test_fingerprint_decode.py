import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from countermark.fingerprint import FingerprintError, compute
from countermark.fingerprint.image import decode as decoding
from countermark.fingerprint.image.decode import decode

PIXELS = np.random.default_rng(3).integers(0, 256, (6, 9, 3), dtype=np.uint8)


def saved(image: Image.Image, form: str = "PNG", **options) -> io.BytesIO:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    buffer.seek(0)
    return buffer


def outcome(data: bytes) -> str:
    try:
        compute(io.BytesIO(data))
    except FingerprintError as error:
        return error.code
    return "made"


def png_header(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_lossless_pixels_come_out_as_they_are():
    for form in ("PNG", "BMP", "TIFF"):
        assert (decode(saved(Image.fromarray(PIXELS), form)) == PIXELS).all()


@pytest.mark.parametrize(
    ("orientation", "undo"),
    [
        (1, None),
        (2, Image.Transpose.FLIP_LEFT_RIGHT),
        (3, Image.Transpose.ROTATE_180),
        (4, Image.Transpose.FLIP_TOP_BOTTOM),
        (5, Image.Transpose.TRANSPOSE),
        (6, Image.Transpose.ROTATE_90),
        (7, Image.Transpose.TRANSVERSE),
        (8, Image.Transpose.ROTATE_270),
    ],
)
def test_exif_orientation_is_applied(orientation, undo):
    upright = Image.fromarray(PIXELS)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = upright if undo is None else upright.transpose(undo)
    assert (decode(saved(stored, exif=exif)) == PIXELS).all()


def test_meaningless_orientation_counts_as_upright():
    exif = Image.Exif()
    exif[0x0112] = 77
    assert (decode(saved(Image.fromarray(PIXELS), exif=exif)) == PIXELS).all()


def test_transparent_pixels_lie_over_white():
    rgba = np.dstack([PIXELS, np.full(PIXELS.shape[:2], 0, np.uint8)])
    rgba[0, 0, 3], rgba[0, 1] = 255, (100, 0, 200, 51)
    seen = decode(saved(Image.fromarray(rgba, "RGBA")))
    assert (seen[0, 0] == PIXELS[0, 0]).all()
    assert seen[0, 1].tolist() == [224, 204, 244]
    assert (seen[1:] == 255).all()


def test_transparent_palette_entry_lies_over_white():
    image = Image.fromarray(PIXELS).quantize(8)
    seen = decode(saved(image, transparency=image.getpixel((4, 2))))
    assert (seen[2, 4] == 255).all()


def test_of_sixteen_bits_the_upper_eight_count():
    wide = np.array([[0, 255, 256], [0x7FFF, 0x8000, 0xFFFF]], np.uint16)
    assert decode(saved(Image.fromarray(wide)))[:, :, 1].tolist() == [[0, 0, 1], [0x7F, 0x80, 0xFF]]


def test_of_an_animation_the_first_frame_counts():
    frames = [Image.fromarray(np.roll(PIXELS, shift, axis=1)) for shift in (0, 4)]
    animated = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True, exact=True)
    assert (decode(animated) == PIXELS).all()


def test_colour_profile_is_ignored():
    plain, tagged = (saved(Image.fromarray(PIXELS), **o) for o in ({}, {"icc_profile": b"not even a profile"}))
    assert (decode(plain) == decode(tagged)).all()


def test_large_jpeg_is_reduced_by_its_decoder_but_never_below_need():
    large = Image.fromarray(np.zeros((1400, 2100, 3), np.uint8))
    assert decode(saved(large, "JPEG")).shape == (350, 525, 3)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_every_truncation_is_one_error_or_a_picture(form):
    whole = saved(Image.fromarray(np.tile(PIXELS, (4, 4, 1))), form).getvalue()
    for length in range(1, len(whole), max(1, len(whole) // 40)):
        assert outcome(whole[:length]) in ("made", "not_an_image")


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_damaged_files_raise_nothing_but_the_one_error(form):
    random = np.random.default_rng(9)
    exif = {"exif": Image.Exif()} if form in ("PNG", "JPEG", "WEBP") else {}
    whole = saved(Image.fromarray(np.tile(PIXELS, (4, 4, 1))), form, **exif).getvalue()
    for _ in range(100):
        damaged = bytearray(whole)
        for at in random.integers(0, min(len(whole), 400), 3):
            damaged[at] = random.integers(0, 256)
        assert outcome(bytes(damaged)) in ("made", "not_an_image", "image_too_large")


SOME_DATA = png_chunk(b"IDAT", zlib.compress(bytes(100_000)))

REFUSED = {
    "empty": (b"", "empty_file"),
    "text": (b"not a picture at all", "not_an_image"),
    "zip": (b"PK\x03\x04" + bytes(100), "not_an_image"),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not_an_image"),
    "EPS, whose decoder is a program": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not_an_image"),
    "header of a picture of 10 gigapixels": (png_header(100_000, 100_000) + SOME_DATA, "image_too_large"),
    "header just above the limit": (png_header(10_000, 8_001) + SOME_DATA, "image_too_large"),
    "header alone": (png_header(10, 10), "not_an_image"),
    "no pixels": (png_header(0, 10), "not_an_image"),
}


@pytest.mark.parametrize(("data", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_picture_or_too_large_is_refused(data, code):
    with pytest.raises(FingerprintError) as caught:
        compute(io.BytesIO(data))
    assert caught.value.code == code


def test_bomb_is_refused_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    with pytest.raises(FingerprintError, match="image_too_large"):
        compute(io.BytesIO(png_header(12_000, 12_000) + SOME_DATA))


def test_file_beyond_the_limit_is_not_read_to_its_end(monkeypatch):
    monkeypatch.setattr(decoding, "MAX_FILE_BYTES", 1000)
    source = io.BytesIO(bytes(5000))
    with pytest.raises(FingerprintError, match="image_too_large"):
        compute(source)
    assert source.tell() <= 1001


def test_floating_point_pixels_are_refused():
    with pytest.raises(FingerprintError, match="floating-point"):
        compute(saved(Image.fromarray(np.zeros((4, 4), np.float32)), "TIFF"))


def test_missing_file_is_the_caller_s_matter(tmp_path):
    with pytest.raises(FileNotFoundError):
        compute(tmp_path / "none.jpg")
