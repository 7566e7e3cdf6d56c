"""Encodings are declared, read strictly, and guessed only for people."""

from __future__ import annotations

import codecs
import gzip
import random
from pathlib import Path

import pytest

from retention.sources.errors import SourceUnreadable
from retention.sources.files import guess_encoding, sniff
from tests.retention.sources.reading import count_rows, entity, read_rows, texts

TEXT = "id,who,words\n1,Ana,满意 für 10 €\n"
CHINESE = "id,who,words\n1,Fang,客服态度很好，下次还会再来购买\n2,Gao,物流太慢\n"
GERMAN = "id,who,words\n1,Jürgen,schön für Größe\n2,Zoë,très déçu à côté\n"


def rows(folder: Path, content: bytes, encoding: str) -> list[tuple[object, ...]]:
    (folder / "a.csv").write_bytes(content)
    return texts(read_rows(folder, entity("a.csv", "csv", encoding=encoding)), "words")


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("utf-8", TEXT.encode()),
        ("utf-8", codecs.BOM_UTF8 + TEXT.encode()),
        ("utf-8-sig", TEXT.encode()),
        ("UTF8", codecs.BOM_UTF8 + TEXT.encode()),
        ("utf-16", TEXT.encode("utf-16")),
        ("utf-16", codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be")),
        ("utf-16-le", codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le")),
        ("utf-16-le", TEXT.encode("utf-16-le")),
        ("utf-16-be", TEXT.encode("utf-16-be")),
        ("utf-32", TEXT.encode("utf-32")),
        ("gb18030", TEXT.encode("gb18030")),
        ("gb18030", "\ufeff".encode("gb18030") + TEXT.encode("gb18030")),
    ],
    ids=lambda value: value if isinstance(value, str) else value[:4].hex(),
)
def test_as_declared(tmp_path: Path, encoding: str, content: bytes) -> None:
    assert rows(tmp_path, content, encoding) == [(2, "满意 für 10 €")]


@pytest.mark.parametrize(
    ("declared", "content", "message"),
    [
        ("gb18030", codecs.BOM_UTF8 + TEXT.encode(), "declared gb18030, but it begins with the byte order mark of utf-8"),
        ("latin-1", TEXT.encode("utf-16"), "declared latin-1, but it begins with the byte order mark of utf-16-le"),
        ("utf-8", TEXT.encode("utf-16"), "declared utf-8, but it begins with the byte order mark of utf-16-le"),
        ("utf-16-be", TEXT.encode("utf-16"), "declared utf-16-be, but it begins with the byte order mark of utf-16-le"),
        ("utf-16", TEXT.encode("utf-16-be"), "declared utf-16, which needs a byte order mark, and has none; name utf-16-le or "
                                             "utf-16-be; it looks like utf-16-be"),
        ("utf-8", CHINESE.encode("gb18030"), "not utf-8 at byte 20"),
        ("utf-8", TEXT.encode() + "2,Bo,für\n".encode("latin-1"), "not utf-8 at byte 44"),
        ("utf-8", b"id,who,words\n1,Ana,\xed\xa0\xbd\n", "not utf-8 at byte 19"),
        ("gb18030", GERMAN.encode("latin-1"), "not gb18030 at byte "),
        ("utf-16-le", b"i\0d\0\n\0\x3d\xd8\n\0", "not utf-16-le at byte 6"),
        ("utf-8", TEXT.encode()[:-2], "not utf-8 at byte "),
        ("utf-8", gzip.compress(TEXT.encode()), r"its bytes are gzip \(a name ending in \.gz\)"),
        ("utf-8", b"PK\x03\x04rest", "its bytes are a zip archive or a workbook"),
    ],
    ids=["UTF-8 mark in GB 18030", "UTF-16 mark in Latin-1", "UTF-16 mark in UTF-8", "other byte order", "no mark",
         "GB 18030 as UTF-8", "mixed", "lone surrogate", "Latin-1 as GB 18030", "half a pair in UTF-16", "cut in a character",
         "gzip without the ending", "a workbook"],
)  # fmt: skip
def test_what_is_not_as_declared_stops(tmp_path: Path, declared: str, content: bytes, message: str) -> None:
    with pytest.raises(SourceUnreadable, match=message) as caught:
        rows(tmp_path, content, declared)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert not any(word in str(caught.value) for word in ("Ana", "客服", "schön", "Jürgen"))


def test_the_byte_is_that_of_the_unpacked_file_and_far_in_it(tmp_path: Path) -> None:
    good = TEXT + "2,Bo,满意\n" * 700_000  # 9.8 MB: in the third chunk
    content = good.encode() + b"3,Chen,\xff\n"
    with pytest.raises(SourceUnreadable, match=f"not utf-8 at byte {len(good.encode()) + 7}"):
        (tmp_path / "a.csv.gz").write_bytes(gzip.compress(content, 1))
        count_rows(tmp_path, entity("a.csv.gz", "csv"))


def test_a_wrong_western_code_page_cannot_be_seen_by_decoding_but_is_guessed(tmp_path: Path) -> None:
    content = CHINESE.encode("gb18030")
    assert rows(tmp_path, content, "latin-1")[0][1] != "客服态度很好，下次还会再来购买"  # read, and wrong
    assert guess_encoding(content) == "gb18030"


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
def test_guesses_of_chinese(encoding: str) -> None:
    sample = (CHINESE * 50).encode(encoding)
    for cut in range(4):  # also where the sample ends within a character
        assert guess_encoding(sample[: len(sample) - cut]) == encoding


def test_other_guesses() -> None:
    assert guess_encoding(GERMAN.encode("latin-1")) == "latin-1"
    assert guess_encoding("Preis: 10 €, „gut“\n".encode("cp1252")) == "cp1252"
    assert guess_encoding(b"id,who\n1,Ana\n") == "utf-8"
    assert guess_encoding(b"") is None
    assert guess_encoding(random.Random(1).randbytes(4096)) is None


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("id;who;words\n1;Ana;1,5\n2;Bo;2,5\n", ";"),
        ("id\twho\n1\tAna, Bo\n", "\t"),
        ('id,who,words\n1,Ana,"a;b;c;d"\n', ","),
        ("id|who|words\n1|Ana|x\n", "|"),
        ("id\n1\n2\n", None),
        ("", None),
    ],
)
def test_delimiters_are_guessed(text: str, delimiter: str | None) -> None:
    assert sniff(text.encode("utf-16"), "utf-16") == delimiter
