"""The Temporal Web UI as a part of our interface: to be read, by those who may decode what it shows."""

import re
from typing import Annotated, Literal

import httpx2
from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, StreamingResponse
from markdown_it import MarkdownIt
from starlette.background import BackgroundTask

from api.access import COOKIE, actor_of, allowed
from api.problems import Problem, Unavailable
from api.service import Jiesu
from api.sign_in import SIGN_IN
from domain.roles import Actor
from temporal.web_ui import UI_PATH

router = APIRouter(include_in_schema=False)

QUERY = re.compile(rf"{UI_PATH}/api/v1/namespaces/[^/]+/workflows/[^/]+(/runs/[^/]+)?/query/\w+")
"""What the Web UI asks of a workflow with POST; every other POST would change one, past all rules."""

ASKED_WITH = ("accept", "accept-encoding", "content-type", "if-none-match", "x-csrf-token")
HOP_BY_HOP = ("connection", "keep-alive", "transfer-encoding")

PLAIN = re.compile(r"[ -~]+")
"""A header's value that may be passed on: nothing in it ends the header or is more than ASCII."""

POLICY = "default-src 'self' 'unsafe-inline' data: blob:; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
"""Its pages run scripts of their own, and send what they show to nobody else."""

MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
PAGE = """<!doctype html><html><head><meta charset="utf-8"><style>
body{{font:14px/1.6 sans-serif;margin:1em;color-scheme:{scheme};background:Canvas;color:CanvasText}}
table{{border-collapse:collapse}}th,td{{border:1px solid GrayText;padding:.2em .6em;text-align:left}}
</style></head><body>{content}</body></html>"""
FRAME = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'",
    "X-Frame-Options": "SAMEORIGIN",
}

may_decode = allowed("decode")


async def reader(request: Request, jiesu: Jiesu) -> Actor:
    """Who has signed in and may decode. Raises Problem: 303 to the sign-in page for a page, 401 or 403 for its data."""
    try:
        return await may_decode(request, await actor_of(jiesu, request.cookies.get(COOKIE)))
    except Problem as problem:
        if "text/html" not in request.headers.get("Accept", ""):
            raise
        raise Problem(303, problem.code, problem.detail, problem.detail_zh, headers={"Location": SIGN_IN}) from None


reader.row = "decode"  # type: ignore[attr-defined]  # as of `allowed`


@router.get(f"{UI_PATH}/render")
async def render(
    _: Annotated[Actor, Depends(reader)], content: str = "", theme: Literal["light", "dark"] = "light"
) -> HTMLResponse:
    """A summary or the details of a case, for a frame of the Web UI, which renders none when it is not at the root."""
    return HTMLResponse(PAGE.format(scheme=theme, content=MARKDOWN.render(content)), headers=FRAME)


@router.api_route(UI_PATH, methods=["GET"])
@router.api_route(f"{UI_PATH}/{{path:path}}", methods=["GET", "POST"])
async def pass_on(request: Request, jiesu: Jiesu, _: Annotated[Actor, Depends(reader)]) -> StreamingResponse:
    """Ask the Web UI, and hand on what it answers as it comes."""
    if jiesu.web_ui is None:
        raise HTTPException(404)
    path: bytes = request.scope["raw_path"]
    if request.method == "POST" and not QUERY.fullmatch(path.decode()):
        raise Problem(403, "read_only", "Here cases are only read; steps are taken at /cases.", "此处只可查看。")
    url = jiesu.web_ui.base_url.copy_with(raw_path=path + b"?" + request.scope["query_string"])
    content = await request.body() if request.method == "POST" else None
    question = jiesu.web_ui.build_request(request.method, url, headers=_headers(request), content=content)
    try:
        answer = await jiesu.web_ui.send(question, stream=True)
    except httpx2.TransportError:
        raise Unavailable("The Temporal Web UI") from None
    handed_on = StreamingResponse(answer.aiter_raw(), answer.status_code, background=BackgroundTask(answer.aclose))
    handed_on.raw_headers = [(name.lower(), value) for name, value in answer.headers.raw if _is_its_own(name)]
    handed_on.headers.setdefault("Content-Security-Policy", POLICY)
    if b"/_app/immutable/" in path:
        handed_on.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    return handed_on


def _headers(request: Request) -> dict[str, str]:
    """What the Web UI needs to know of a request; never who is signed in with us."""
    wanted = {name: request.headers.get(name, "") for name in ASKED_WITH}
    if csrf := request.cookies.get("_csrf"):
        wanted["cookie"] = f"_csrf={csrf}"
    return {name: value for name, value in wanted.items() if PLAIN.fullmatch(value)}


def _is_its_own(header: bytes) -> bool:
    return header.lower().decode() not in HOP_BY_HOP
