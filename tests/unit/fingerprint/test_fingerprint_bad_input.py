"""What the image generators make of every odd file: a picture, or one error that says what is wrong with it.

The table of docs/fingerprints.md, line by line.
"""

import hashlib
import io
import sys
import zlib
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from countermark.fingerprint import FingerprintError, compute, is_featureless, registry
from countermark.fingerprint.codec import Fingerprint, Segment
from countermark.fingerprint.image import heic
from countermark.fingerprint.image.decode import decode
from countermark.fingerprint.registry import Generator, Layout, SegmentRule
from tests.support.picture_files import HEIC, PNG_SIGNATURE, boxes, gif, png, png_chunk, saved, tiff, webp_animation
from tests.support.pictures import photo

PHOTO = photo("coffee").resize((60, 40))
PIXELS = np.asarray(PHOTO)
TURNED = [PHOTO, PHOTO.transpose(Image.Transpose.ROTATE_180)]
GREY = np.asarray(PHOTO.convert("L"))
WIDE = (PIXELS * 256.0 + np.random.default_rng(0).integers(0, 256, PIXELS.shape)).astype(">u2")
HALF = np.full(GREY.shape, 128, np.uint8)
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
BOMB = zlib.compress(bytes(16 << 20))


def rows(pixels: np.ndarray) -> list[bytes]:
    return [row.tobytes() for row in pixels]


def seen(data: bytes) -> np.ndarray:
    return decode(io.BytesIO(data))


def refused(data: bytes) -> FingerprintError:
    with pytest.raises(FingerprintError) as caught:
        compute(io.BytesIO(data))
    return caught.value


def over_white(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    colour, share = pixels.astype(np.int64), alpha.astype(np.int64)[:, :, np.newaxis]
    return (colour * share + 255 * (255 - share) + 127) // 255


def without_key(pixels: np.ndarray) -> np.ndarray:
    """The pixels with white wherever there is the colour of the first one."""
    return np.where((pixels == pixels[0, 0]).all(axis=2, keepdims=True), 255, pixels)


def grey(levels: np.ndarray) -> np.ndarray:
    return np.repeat(levels[:, :, np.newaxis], 3, axis=2)


def text_bomb(kind: bytes) -> bytes:
    return png_chunk(kind, b"name\0\0" + BOMB)


TRANSPARENT = Image.fromarray(np.dstack([PIXELS, HALF]), "RGBA")
PALETTE = PHOTO.quantize(16)
OF_PALETTE = np.asarray(PALETTE.convert("RGB"))
KEY_16 = png_chunk(b"tRNS", WIDE[0, 0].tobytes())

EXACT = {
    "PNG called a JPEG": (saved(PHOTO, "PNG"), PIXELS),
    "grey and alpha": (
        saved(Image.merge("LA", [PHOTO.convert("L"), Image.fromarray(HALF)]), "PNG"),
        over_white(grey(GREY), HALF),
    ),
    "alpha of 8 bits": (saved(TRANSPARENT, "PNG"), over_white(PIXELS, HALF)),
    "alpha in TIFF": (saved(TRANSPARENT, "TIFF"), over_white(PIXELS, HALF)),
    "alpha in WebP": (saved(TRANSPARENT, "WEBP", lossless=True, exact=True), over_white(PIXELS, HALF)),
    "wholly transparent": (saved(Image.new("RGBA", (60, 40)), "PNG"), np.full_like(PIXELS, 255)),
    "palette": (saved(PALETTE, "PNG"), OF_PALETTE),
    "palette with one transparent entry": (
        saved(PALETTE, "PNG", transparency=PALETTE.getpixel((0, 0))),
        np.where((np.asarray(PALETTE) == PALETTE.getpixel((0, 0)))[:, :, np.newaxis], 255, OF_PALETTE),
    ),
    "palette with alpha": (
        saved(PALETTE, "PNG", transparency=bytes([128] * 16)),
        over_white(OF_PALETTE, HALF),
    ),
    "1 bit": (saved(PHOTO.convert("1"), "PNG"), np.asarray(PHOTO.convert("1").convert("RGB"))),
    "colour of 16 bits": (png((60, 40), 16, 2, rows(WIDE)), PIXELS),
    "colour key of 16 bits": (png((60, 40), 16, 2, rows(WIDE), before=KEY_16), without_key(PIXELS)),
    "colour key of 8 bits": (
        png((60, 40), 8, 2, rows(PIXELS), before=png_chunk(b"tRNS", PIXELS[0, 0].astype(">u2").tobytes())),
        without_key(PIXELS),
    ),
    "colour and alpha of 16 bits": (
        png((60, 40), 16, 6, rows(np.dstack([WIDE, HALF * 256.0]).astype(">u2"))),
        over_white(PIXELS, HALF),
    ),
    "grey of 16 bits": (png((60, 40), 16, 0, rows(WIDE[:, :, 0])), grey(PIXELS[:, :, 0])),
    "grey key of 16 bits": (
        png((60, 40), 16, 0, rows(WIDE[:, :, 0]), before=png_chunk(b"tRNS", int(WIDE[0, 0, 0]).to_bytes(2))),
        without_key(grey(PIXELS[:, :, 0])),
    ),
    "grey of 16 bits in TIFF": (
        saved(Image.fromarray(WIDE[:, :, 0].astype(np.uint16)), "TIFF"),
        grey(PIXELS[:, :, 0]),
    ),
    "CMYK in TIFF": (saved(PHOTO.convert("CMYK"), "TIFF"), PIXELS),
    "several pages": (saved(PHOTO, "TIFF", save_all=True, append_images=TURNED[1:]), PIXELS),
    "animated PNG": (saved(PHOTO, "PNG", save_all=True, append_images=TURNED[1:]), PIXELS),
    "animated PNG with a picture for viewers without animation": (
        saved(PHOTO, "PNG", save_all=True, default_image=True, append_images=TURNED[::-1]),
        PIXELS,
    ),
    "animated WebP": (saved(PHOTO, "WEBP", save_all=True, append_images=TURNED[1:], lossless=True), PIXELS),
    "frame smaller than its WebP": (
        webp_animation((70, 50), PHOTO),
        np.pad(PIXELS, ((0, 10), (0, 10), (0, 0))),
    ),
    "animated GIF": (saved(PALETTE, "GIF", save_all=True, append_images=TURNED[1:]), OF_PALETTE),
    "orientation in XMP alone": (saved(PHOTO, "WEBP", xmp=XMP, lossless=True), PIXELS),
    "orientation in XMP of a TIFF": (saved(PHOTO, "TIFF", tiffinfo={700: XMP}), PIXELS),
    "bytes after the picture": (saved(PHOTO, "PNG") + bytes(1000), PIXELS),
    "PNG without its last chunk": (saved(PHOTO, "PNG")[:-12], PIXELS),
    "PNG with too few rows": (
        png((60, 40), 8, 2, rows(PIXELS)[:20]),
        np.concatenate([PIXELS[:20], np.zeros_like(PIXELS[20:])]),
    ),
    "packed text of 16 MiB": (png((60, 40), 8, 2, rows(PIXELS), before=text_bomb(b"zTXt")), PIXELS),
    "packed profile of 16 MiB": (png((60, 40), 8, 2, rows(PIXELS), before=text_bomb(b"iCCP")), PIXELS),
    "EXIF that is none": (png((60, 40), 8, 2, rows(PIXELS), before=png_chunk(b"eXIf", b"II*\0\xff\xff")), PIXELS),
    "TIFF in one strip": (tiff((60, 40), GREY.tobytes()), grey(GREY)),
    "TIFF whose strip is said to be longer": (
        tiff((60, 40), GREY.tobytes(), packed=False, t279=2**32 - 1),
        grey(GREY),
    ),
    "TIFF with more rows in a strip than there are": (tiff((60, 40), GREY.tobytes(), t278=2**31 - 1), grey(GREY)),
}


@pytest.mark.parametrize(("data", "pixels"), EXACT.values(), ids=EXACT.keys())
def test_an_odd_file_gives_the_pixels_that_the_rules_say(data: bytes, pixels: np.ndarray) -> None:
    assert np.array_equal(seen(data), pixels)


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once_in_every_format(form: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    jpeg = seen(saved(PHOTO, "JPEG", exif=exif, quality=100, subsampling=0)).astype(int)
    other = seen(saved(PHOTO, form, exif=exif, **({"lossless": True} if form == "WEBP" else {})))
    assert other.shape == jpeg.shape
    assert np.abs(other - jpeg).max() <= 4


def test_cmyk_of_a_jpeg_counts_as_inverted_whether_or_not_it_says_so() -> None:
    marked = saved(PHOTO.convert("CMYK"), "JPEG", quality=95)
    at = marked.index(b"\xff\xee")
    bare = marked[:at] + marked[at + 2 + int.from_bytes(marked[at + 2 : at + 4]) :]
    assert np.abs(seen(marked).astype(int) - PIXELS).mean() < 4
    assert np.array_equal(seen(marked), seen(bare))


def test_jpeg_packed_in_a_tiff_is_read() -> None:
    assert np.abs(seen(saved(PHOTO, "TIFF", compression="jpeg", quality=95)).astype(int) - PIXELS).mean() < 4


def test_a_frame_of_a_gif_lies_in_its_place_on_the_first_colour() -> None:
    pixels = seen(gif((4, 3), (1, 1, 2, 1)))
    assert pixels.shape == (3, 4, 3)
    assert pixels[1].tolist() == [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 0, 0]]


def test_of_several_pictures_in_one_jpeg_the_first_counts_and_is_reduced() -> None:
    large = photo("coffee").resize((1300, 980))
    several = saved(large, "MPO", save_all=True, append_images=[large.transpose(Image.Transpose.ROTATE_180)])
    assert np.array_equal(seen(several), seen(saved(large, "JPEG")))
    assert seen(several).shape == (245, 325, 3)


@pytest.mark.parametrize(
    ("size", "reduced"),
    [
        ((639, 480), (639, 480)),
        ((640, 480), (320, 240)),
        ((480, 640), (240, 320)),
        ((4000, 3000), (500, 375)),
        ((2561, 1441), (321, 181)),
        ((4000, 960), (500, 120)),
        ((4000, 950), (1000, 238)),
        ((4000, 230), (4000, 230)),
        ((5000, 40), (5000, 40)),
    ],
)
def test_jpeg_is_reduced_while_its_longer_side_keeps_320_pixels(
    size: tuple[int, int], reduced: tuple[int, int]
) -> None:
    assert seen(saved(Image.new("RGB", size), "JPEG")).shape == (*reduced[::-1], 3)


WHOLE = {form: saved(PHOTO, form) for form in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")}
CUT = {f"{form} cut off": (data[: len(data) // 2], "not_an_image", form) for form, data in WHOLE.items()}
LIES = saved(Image.new("L", (8, 8)), "BMP")
REFUSED = CUT | {
    "nothing": (b"", "empty_file", ""),
    "text": (b"some words", "not_an_image", "begin"),
    "film": (boxes(b"isom", b"avc1", b"mp42"), "not_an_image", "film"),
    "AVIF": (boxes(b"avif", b"mif1", b"miaf"), "unsupported_format", "AVIF"),
    "AVIF that calls itself HEIF": (boxes(b"mif1", b"miaf", b"avif"), "unsupported_format", "AVIF"),
    "both HEIC and AVIF": (boxes(b"mif1", b"heic", b"avif"), "unsupported_format", "AVIF"),
    "HEIF of another codec": (boxes(b"mif1", b"jpeg"), "unsupported_format", "neither HEIC nor AVIF"),
    "JPEG XL": (b"\xff\x0a" + bytes(50), "unsupported_format", "JPEG XL"),
    "JPEG 2000": (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(50), "unsupported_format", "JPEG 2000"),
    "Photoshop": (b"8BPS\0\1" + bytes(50), "unsupported_format", "Photoshop"),
    "floating point": (saved(Image.new("F", (9, 9)), "TIFF"), "unsupported_format", "floating-point"),
    "32 bits": (saved(Image.new("I", (9, 9)), "TIFF"), "unsupported_format", "32 bits"),
    "16 bits with a sign": (tiff((6, 4), bytes(48), packed=False, t258=16, t339=2), "unsupported_format", "sign"),
    "12 bits": (tiff((6, 4), bytes(36), packed=False, t258=12), "unsupported_format", "9 to 15 bits"),
    "16 bits, white to black": (
        tiff((6, 4), bytes(48), packed=False, t258=16, t262=0),
        "unsupported_format",
        "white to black",
    ),
    "L*a*b*": (
        saved(Image.frombytes("LAB", (60, 40), PIXELS.tobytes()), "TIFF"),
        "unsupported_format",
        "L*a*b*",
    ),
    "preview of a raw picture": (tiff((60, 40), GREY.tobytes(), t254=1), "unsupported_format", "preview"),
    "PNG of 3.6 gigapixels": (png((60_000, 60_000), 8, 2, [bytes(9)]), "image_too_large", "80000000 pixels"),
    "PNG of 81 megapixels": (png((9_000, 9_000), 8, 2, [bytes(9)]), "image_too_large", "9000 x 9000 pixels"),
    "PNG without pixels": (PNG_SIGNATURE + png_chunk(b"IEND", b""), "not_an_image", "PNG"),
    "GIF of 4 gigapixels": (gif((65_535, 65_535), (0, 0, 2, 1)), "image_too_large", "pixels"),
    "GIF frame of 4 gigapixels": (gif((2, 1), (0, 0, 65_535, 65_535)), "image_too_large", "pixels"),
    "WebP canvas of 4 gigapixels": (webp_animation((65_536, 65_535), PHOTO), "image_too_large", "65536 x 65535"),
    "BMP with more rows than follow": (
        LIES[:22] + (9_000_000).to_bytes(4, "little") + LIES[26:],
        "not_an_image",
        "BMP",
    ),
    "TIFF of too many rows": (tiff((60, 2**31 - 1), GREY.tobytes()), "image_too_large", "pixels"),
    "TIFF strip that is not there": (
        tiff((60, 40), GREY.tobytes(), packed=False, t273=2**31),
        "not_an_image",
        "TIFF",
    ),
    "TIFF strip that is too short": (tiff((60, 400), GREY.tobytes()), "not_an_image", "TIFF"),
    "TIFF with a tile of a gigapixel": (
        tiff((60, 40), GREY.tobytes(), t273=None, t278=None, t279=None, t322=32_768, t323=32_768, t324=0, t325=999),
        "image_too_large",
        "tiles",
    ),
}


@pytest.mark.parametrize(("data", "code", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_picture_that_is_read_gets_one_error_that_says_why(data: bytes, code: str, said: str) -> None:
    error = refused(data)
    assert error.code == code
    assert said in error.detail
    assert "\n" not in str(error)


def test_heic_without_its_decoder_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    for data in (HEIC, boxes(b"mif1", b"heic"), boxes(b"msf1", b"hevc")):
        error = refused(data)
        assert error.code == "decoder_missing"
        assert "pip install 'countermark[heic]'" in error.detail


def test_another_version_of_the_decoder_is_not_guessed_with(monkeypatch: pytest.MonkeyPatch) -> None:
    other = SimpleNamespace(__version__="0.1", libheif_version=lambda: "1.0.0")
    monkeypatch.setitem(sys.modules, "pillow_heif", other)
    monkeypatch.setitem(sys.modules, "pillow_heif.as_plugin", SimpleNamespace())
    error = refused(HEIC)
    assert error.code == "decoder_missing"
    assert heic.DECODER[0] in error.detail
    assert "0.1" in error.detail


def test_heic_gives_the_pixels_of_the_pinned_decoder() -> None:
    pixels = seen(HEIC)
    assert pixels.shape == (32, 24, 3)
    digest = "67cfe44de03d94fc5d2102ca3076fef391a6f721f8e6eadabf6125f19e8340a7"
    assert hashlib.sha256(pixels.tobytes()).hexdigest() == digest
    for length in (12, 30, 300, len(HEIC) - 1):
        error = refused(HEIC[:length])
        assert (error.code, "HEIC" in error.detail) == ("not_an_image", True)


@pytest.mark.parametrize("size", [(1, 1), (320, 240), (5000, 3)])
def test_a_picture_of_one_colour_is_read_and_featureless(size: tuple[int, int]) -> None:
    assert is_featureless(compute(io.BytesIO(saved(Image.new("RGB", size, "teal"), "PNG"))))


def test_a_photograph_is_not_featureless_and_who_cannot_tell_says_no(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_featureless(compute(io.BytesIO(WHOLE["PNG"])))
    plain = saved(Image.new("RGB", (50, 50)), "PNG")
    assert not is_featureless(compute(io.BytesIO(plain), "image/paper-v0"))
    monkeypatch.setattr(registry, "_generators", {})
    silent, told = (f"text/{name}" for name in ("silent", "told"))
    layout = Layout((SegmentRule("all", 0, 9),))
    hook = SimpleNamespace(compute=None, compare_many=None, is_featureless=lambda one: not one.segment("all"))
    registry.register(Generator(silent, layout, lambda: SimpleNamespace(compute=None, compare_many=None)))
    registry.register(Generator(told, layout, lambda: hook))
    assert not is_featureless(Fingerprint(silent, (Segment("all", b""),)))
    assert is_featureless(Fingerprint(told, (Segment("all", b""),)))
    assert not is_featureless(Fingerprint(told, (Segment("all", b"x"),)))
