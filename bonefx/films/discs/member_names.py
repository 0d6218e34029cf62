"""Decode the file names of a zip archive, whose code page most archives do not tell.

A name is, by the first of these that applies: UTF-8 by its flag; the Unicode path of its extra
field; ASCII; valid UTF-8; else in the code page of CODE_PAGES in which the archive's names look
most like words, earlier ones first. No name is ever refused.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

ENTRY_START, ENTRY_BYTES = b"PK\x01\x02", 46  # of a member in the list, without its name
LOCAL_START, LOCAL_BYTES = b"PK\x03\x04", 30  # of the header before a member, without its name
UTF_8_FLAG = 0x800
UNICODE_PATH = 0x7075  # extra field of Info-ZIP: version 1, CRC-32 of the name, name in UTF-8
UNIX = 3  # ZipInfo.create_system; a backslash is an ordinary character there
RAW = "cp437"  # zipfile decodes names without the flag so; it holds each byte value
LONE = 0.3  # weight of one East Asian character that touches a Latin letter, such as half of "Ä"
FREQUENT = 1.5  # weight of a frequent character; that of a common one is 1, of all others 0
WESTERN = frozenset("äöüßéèêëáàâåãæçñóòôøõúùûíìîïœÄÖÜÉÈÊÁÀÂÅÃÆÇÑÓÒÔØÕÚÙÛÍÌÎ")


@dataclass(frozen=True, slots=True, kw_only=True)
class CodePage:
    """A code page of file names.

    Attributes:
        codec: Its name in Python.
        charset: Two-byte code of its language, in whose rows the common characters lie together.
        rows: First bytes of the common characters in charset.
        frequent: Characters of film names and family names, which tell languages apart whose
            common characters share their codes.
    """

    codec: str
    charset: str = ""
    rows: tuple[int, ...] = ()
    frequent: str = ""


CODE_PAGES = (
    CodePage(
        codec="cp932",
        charset="euc_jp",
        rows=(0xA4, 0xA5, *range(0xB0, 0xD0)),  # kana, and kanji of level 1
        frequent="左右手首足膝肘肩股関節骨折正面側面撮影画像患者ー",
    ),
    CodePage(
        codec="gbk",
        charset="gb2312",
        rows=tuple(range(0xB0, 0xD8)),  # hanzi of level 1
        frequent="左右手腕足踝膝肘肩髋骨折片正侧位前后胸脊柱颈腰指趾臂腿关节病人患者姓名"
        "张王李刘陈杨赵黄周吴徐孙马朱胡郭何高林郑医院放射科检查报告图像影光",
    ),
    CodePage(
        codec="big5",
        charset="big5",
        rows=tuple(range(0xA4, 0xC7)),  # hanzi of level 1
        frequent="左右手腕足踝膝肘肩髖骨折片正側位前後胸脊柱頸腰指趾臂腿關節病人患者姓名"
        "張王李劉陳楊趙黃周吳徐孫馬朱胡郭何高林鄭醫院放射科檢查報告圖像影光",
    ),
    CodePage(
        codec="cp949",
        charset="euc_kr",
        rows=tuple(range(0xB0, 0xC9)),  # syllables
        frequent="손목발관절골무릎어깨팔꿈치좌우측전후면방사선진환자이름김박최정강조윤장임한오서"
        "신권황안송홍병원검영상척추고흉부촬가나다라마바아차하기지시리도대의은을",
    ),
    CodePage(codec="cp437"),
    CodePage(codec="cp850"),
    CodePage(codec="cp1252"),
)


def without_wrong_flag(header: bytes, name: bytes) -> bytes:
    """Clear the UTF-8 flag in the header before a member if its name is not valid UTF-8.

    Source:
        APPNOTE.TXT 4.3.7, Local file header, of PKWARE.
    """
    (flags,) = struct.unpack_from("<H", header, 6)
    flags &= ~UTF_8_FLAG if _as_utf_8(name) is None else 0xFFFF
    return header[:6] + struct.pack("<H", flags) + header[8:]


def without_wrong_flags(directory: bytes) -> bytes:
    """Clear the UTF-8 flag of the names in a list of members that are not valid UTF-8.

    Source:
        APPNOTE.TXT 4.3.12, Central directory structure, of PKWARE.
    """
    cleared, at = bytearray(directory), 0
    while directory.startswith(ENTRY_START, at) and at + ENTRY_BYTES <= len(directory):
        (flags,) = struct.unpack_from("<H", directory, at + 8)
        lengths = struct.unpack_from("<HHH", directory, at + 28)
        start = at + ENTRY_BYTES
        if flags & UTF_8_FLAG and _as_utf_8(directory[start : start + lengths[0]]) is None:
            struct.pack_into("<H", cleared, at + 8, flags & ~UTF_8_FLAG)
        at = start + sum(lengths)  # name, extra field, comment
    return bytes(cleared)


def decode_names(members: Sequence[zipfile.ZipInfo]) -> list[str]:
    """Return the path of each member inside its archive, with "/" between folders."""
    raw = [member.orig_filename.encode(RAW, "replace") for member in members]
    unknown = [
        name
        for name, member in zip(raw, members, strict=True)
        if not member.flag_bits & UTF_8_FLAG and _as_utf_8(name) is None
    ]
    codecs = _most_likely(unknown)
    names = (_decoded(name, member, codecs) for name, member in zip(raw, members, strict=True))
    return [
        name if member.create_system == UNIX and "/" in name else name.replace("\\", "/")
        for name, member in zip(names, members, strict=True)
    ]


def _decoded(raw: bytes, member: zipfile.ZipInfo, codecs: Sequence[str]) -> str:
    if member.flag_bits & UTF_8_FLAG:
        return member.orig_filename
    for name in (_unicode_path(raw, member.extra), _as_utf_8(raw)):
        if name is not None:
            return name
    return next(name for codec in codecs if (name := _in(codec, raw)) is not None)


def _unicode_path(raw: bytes, extra: bytes) -> str | None:
    """Return the name of the extra field; None without one, or if it is of an older name."""
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == UNICODE_PATH and field[:5] == b"\x01" + struct.pack("<I", zlib.crc32(raw)):
            return _as_utf_8(field[5:])
    return None


def _most_likely(names: Sequence[bytes]) -> list[str]:
    """Return the codecs of CODE_PAGES, the most plausible for all names first."""
    ranked = sorted(CODE_PAGES, key=lambda page: -sum(_plausibility(name, page) for name in names))
    return [page.codec for page in ranked] + [RAW]


def _plausibility(raw: bytes, page: CodePage) -> float:
    """Return the mean weight of a name's characters beyond ASCII; 0 if it is not valid."""
    text = _in(page.codec, raw)
    if text is None:
        return 0.0
    padded = f"/{text}/"
    weigh = _east_asian_weight if page.charset else _western_weight
    weights = [
        weigh(padded[i - 1], padded[i], padded[i + 1], page)
        for i in range(1, len(padded) - 1)
        if not padded[i].isascii()
    ]
    return sum(weights) / max(1, len(weights))


def _east_asian_weight(before: str, char: str, after: str, page: CodePage) -> float:
    try:
        code = char.encode(page.charset)
    except UnicodeEncodeError:
        return 0.0
    if char not in page.frequent and not (len(code) == 2 and code[0] in page.rows):
        return 0.0
    neighbours = before + after
    if neighbours.isascii() and any(letter.isalpha() for letter in neighbours):
        return LONE
    return FREQUENT if char in page.frequent else 1.0


def _western_weight(before: str, char: str, after: str, _: CodePage) -> float:
    in_word = any(
        (letter.isascii() and letter.isalpha()) or letter in WESTERN for letter in before + after
    )
    case_changes = char.isupper() and before.islower()
    return 1.0 if char in WESTERN and in_word and not case_changes else 0.0


def _as_utf_8(raw: bytes) -> str | None:
    return _in("utf-8", raw)


def _in(codec: str, raw: bytes) -> str | None:
    try:
        return raw.decode(codec)
    except UnicodeDecodeError:
        return None


def printable_name(name: str) -> str:
    """Replace control and direction characters of a file name, so that it prints as one line."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)
