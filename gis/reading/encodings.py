"""In what encoding is this text: as declared, else UTF-8 strictly, else GB18030; never a mixture, never a guess."""

from __future__ import annotations

import codecs
from collections.abc import Sequence

from gis.reading.refusals import MixedEncodings, UndecodableText

UTF8, GB18030 = "utf-8", "gb18030"
_CHINESE_NAMES = ("936", "cp936", "gbk", "gb2312")


def choose_encoding(texts: Sequence[bytes], declared: str | None) -> str:
    """The one encoding that all the texts are in.

    Parameters
    ----------
    declared
        What a .cpg file or the user says ("GBK", "936", "UTF-8", …), or None.

    Raises
    ------
    UndecodableText
        Not in the encoding declared, or neither in UTF-8 nor in GB18030.
    MixedEncodings
        Some are surely UTF-8 and others are not.
    """
    texts = [text for text in texts if not text.isascii()]
    if declared is not None:
        encoding = _codec(declared)
        if not all(_is_in(text, encoding) for text in texts):
            raise UndecodableText(
                f"文字不是所声明的编码 {declared[:20]}。请核对 .cpg 文件，或在导入时另行指定编码（UTF-8 或 GBK）。",
                f"The text is not in the declared encoding {declared[:20]}. "
                "Check the .cpg file, or state the encoding when importing (UTF-8 or GBK).",
            )
        return encoding
    not_utf8 = [text for text in texts if not _is_in(text, UTF8)]
    if not not_utf8:
        return UTF8
    if any(_is_surely_utf8(text) for text in texts):
        raise MixedEncodings(
            "文件中的文字一部分是 UTF-8，一部分是 GBK。请在原软件中统一为 UTF-8 后重新导出。",
            "Some of the text is UTF-8 and some is GBK. Export it again in one encoding, best UTF-8.",
        )
    if not all(_is_in(text, GB18030) for text in not_utf8):
        raise UndecodableText(
            "文字既不是 UTF-8 也不是 GBK。请在导入时指定编码，或以 UTF-8 重新导出。",
            "The text is neither UTF-8 nor GBK. State the encoding when importing, or export it again as UTF-8.",
        )
    return GB18030


def decode(text: bytes, encoding: str) -> str:
    """Decode strictly, but for a last character that a field's width has cut off."""
    return codecs.getincrementaldecoder(encoding)("strict").decode(text)


def _codec(declared: str) -> str:
    name = declared.strip().lower().removeprefix("ansi ").removeprefix("oem ")
    if name in _CHINESE_NAMES:
        return GB18030
    if name == "65001":
        return UTF8
    for candidate in (name, f"cp{name}", name.replace("iso 8859", "iso-8859-")):
        try:
            return codecs.lookup(candidate).name
        except LookupError:
            continue
    raise UndecodableText(
        f"不认识文字编码“{declared[:20]}”。请指定 UTF-8 或 GBK。",
        f"Unknown text encoding “{declared[:20]}”. State UTF-8 or GBK.",
    )


def _is_in(text: bytes, encoding: str) -> bool:
    try:
        decode(text, encoding)
    except UnicodeDecodeError:
        return False
    return True


def _is_surely_utf8(text: bytes) -> bool:
    """Whether it is UTF-8 with Chinese in it: three bytes a character, a pattern that GBK text all but never has."""
    return _is_in(text, UTF8) and all(ord(c) >= 0x800 for c in decode(text, UTF8) if not c.isascii())
