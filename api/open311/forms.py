"""Parameters as they are sent: in the address or in a form, in the charset of whoever sends them."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from api.problems import Problem

FORM, PARTS = "application/x-www-form-urlencoded", "multipart/form-data"
MOST_PARTS = 100
"""Parameters, and files besides."""
IN_MEMORY = 64 * 1024
"""Bytes of a part: a parameter may have no more, of a file the rest waits on disk."""

RAW = "latin-1"
"""In which every byte is a character of its own."""

CHARSETS = {
    "utf-8": "utf-8", "utf8": "utf-8", "gb18030": "gb18030", "gbk": "gb18030", "gb2312": "gb18030", "cp936": "gb18030",
    "big5": "big5hkscs", "big5-hkscs": "big5hkscs", "us-ascii": "ascii", "ascii": "ascii", "iso-8859-1": "ascii",
}  # fmt: skip
"""What a form may declare → how it is decoded; what calls itself Latin holds words only as long as they are ASCII."""

Parameters = list[tuple[str, str]]


@dataclass(frozen=True)
class Form:
    """Parameters with a value, in order: an empty one equals an absent one. And the files that came with them."""

    parameters: Parameters
    files: Sequence[UploadFile] = ()

    async def close(self) -> None:
        """Let the files go."""
        for file in self.files:
            await file.close()


def read_query(query: bytes) -> Parameters:
    """The parameters of an address. Raises Problem 400 for what is neither UTF-8 nor GB 18030."""
    return _decoded(_pairs(query), None)


async def read_form(content_type: str, stream: AsyncGenerator[bytes, None]) -> Form:
    """A form of either kind, to be closed; one without a charset is in UTF-8 or else in GB 18030.

    Raises Problem 400 for another type of content, and for words that cannot be read.
    """
    kind, options = parse_options_header(content_type)
    charset = options.get(b"charset", b"").decode(RAW).lower() or None
    if kind == FORM.encode():
        return Form(_decoded(_pairs(b"".join([chunk async for chunk in stream])), charset))
    if kind != PARTS.encode():
        raise _no_form()
    form = await _parts(content_type, stream)
    try:
        return replace(form, parameters=_decoded(form.parameters, charset))
    except Problem:
        await form.close()
        raise


def _pairs(form: bytes) -> Parameters:
    return parse_qsl(form.decode(RAW), encoding=RAW)


class _Parser(MultiPartParser):
    """Takes a form to its end, or not at all: what has none has lost a part."""

    spool_max_size = IN_MEMORY

    def __init__(self, headers: Headers, stream: AsyncGenerator[bytes, None]) -> None:
        super().__init__(
            headers, self._to_the_end(stream), max_files=MOST_PARTS, max_fields=MOST_PARTS, max_part_size=IN_MEMORY
        )
        self._ended = False

    def on_end(self) -> None:
        self._ended = True

    async def _to_the_end(self, stream: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        async for chunk in stream:
            yield chunk
        if not self._ended:
            raise MultiPartException("no end")


async def _parts(content_type: str, stream: AsyncGenerator[bytes, None]) -> Form:
    """A form in parts, every byte of its parameters a character."""
    headers = Headers({"Content-Type": f"{content_type}; charset={RAW}"})
    try:
        form = await _Parser(headers, stream).parse()
    except MultiPartException:
        raise _no_form() from None
    items = form.multi_items()
    return Form(
        [(name, value) for name, value in items if isinstance(value, str) and value],
        [value for _, value in items if isinstance(value, UploadFile)],
    )


def _decoded(raw: Parameters, charset: str | None) -> Parameters:
    for one in ["utf-8", "gb18030"] if charset is None else [CHARSETS.get(charset)]:
        try:
            return [(_as(one, name), _as(one, value)) for name, value in raw]
        except UnicodeDecodeError:
            continue
    raise Problem(
        400,
        "unknown_charset",
        "The parameters cannot be read: send them in UTF-8, or declare another charset (GB18030, GBK, Big5) truly.",
        "参数无法按所声明的字符编码读取，请使用UTF-8。",
    )


def _as(charset: str | None, raw: str) -> str:
    return raw.encode(RAW).decode(charset or "ascii")


def _no_form() -> Problem:
    return Problem(
        400,
        "no_form",
        f"Content-Type: a whole form is wanted, {FORM} or {PARTS}.",
        f"请以表单提交（Content-Type为{FORM}或{PARTS}）。",
    )
