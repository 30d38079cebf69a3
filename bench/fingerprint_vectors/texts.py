"""Texts of the conformance vectors."""

from importlib.resources import files as files_of

from countermark.fingerprint.evaluation.kinds.prose import Subject, prose


def texts() -> dict[str, bytes]:
    """Return a text for every rule of decoding and of telling letters and words."""
    english = prose(Subject(1), 1, 150)
    odd = (
        "Ünseen\u200b soft\u00adhyphens, don’t & don't; ﬁne ＷＩＤＥ 𝐛𝐨𝐥𝐝 ⅷ ½ x² İstanbul straße ΑΒΓ ельцин пaypal "
        "e\u0301t\u00e9 "
    )
    scripts = (
        "日本語のテキストは空白がない。中文也是这样的文字。한국어 문장 ภาษาไทยไม่มีช่องว่าง "
        "हिन्दी में लिखा हुआ पाठ עִבְרִית العَرَبِيَّة كتـــاب 🙂 \U0001e900 "
    )
    broken = english[:900].replace("ea", "e-\r\na").replace("ou", "o\u00ad\nu")
    page = english[:900].replace("é", "&eacute;").replace("the", "<b>the</b>")
    notice = files_of("countermark.fingerprint.text").joinpath("notices.txt").read_text("utf-8").splitlines()[5]
    return {
        "text, UTF-8": english.encode(),
        "text, UTF-16 without a mark": english.encode("utf-16-le"),
        "text, UTF-32 with a mark": english[:400].encode("utf-32"),
        "text, windows-1252 and UTF-8 mixed": english.encode("cp1252") + "\x9aé café naïve".encode("latin-1"),
        "text, odd letters": (odd * 3 + english[:200]).encode(),
        "text, several scripts": (scripts * 2).encode(),
        "text, lines broken within words": broken.encode(),
        "text, web page": f'<html><p class="a b">{page}'.encode(),
        "text, numbers and a notice": ("2026-11-28 12:30:05 " * 9 + notice + " " + english[:300]).encode(),
        "text, blank": b"\n \t\n",
    }
