"""Signing in with a browser, to read cases in the Temporal Web UI: the API key comes back as a cookie."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.access import COOKIE, actor_of
from api.problems import Problem
from api.service import Jiesu, Service
from domain.roles import may
from temporal.web_ui import CODEC_PATH, UI_PATH

router = APIRouter(prefix=CODEC_PATH, include_in_schema=False)

SIGN_IN = f"{CODEC_PATH}/sign-in"
SIGNED_IN_SECONDS = 12 * 3600
"""How long a browser stays signed in: a day's work."""

PATHS = (CODEC_PATH, UI_PATH)
"""The cookie goes nowhere else: to the codec server, and to the Web UI that the API serves."""

PAGE = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>接诉 · 登录</title>
<style>body{{font:16px/1.7 sans-serif;max-width:26em;margin:4em auto;padding:0 1em}}
input,button{{font:inherit;padding:.4em .8em;box-sizing:border-box;width:100%;margin:.4em 0}}</style></head>
<body><h1>查看工单流程</h1>{content}</body></html>"""

FORM = """<p>{sentence}</p><form method="post" action="{action}">
<label>访问密钥 <input type="password" name="key" autocomplete="current-password" required autofocus></label>
<button>登录</button></form>"""

SIGNED_IN = """<p>已登录。{link}</p><form method="post" action="{action}"><button>退出</button></form>"""

POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

WELCOME = "督办、监察和管理人员凭本人的访问密钥登录后，可在流程页面中查看解密后的内容。"
WRONG_KEY = "访问密钥无效，请重新输入。"
WRONG_POST = "该密钥的岗位无权查看解密后的内容，请使用督办、监察或管理岗位的密钥。"


@router.get("/sign-in")
async def show(request: Request, jiesu: Jiesu) -> HTMLResponse:
    """The form; for who is signed in, the way on and the way out."""
    if await _refusal(jiesu, request.cookies.get(COOKIE)) is not None:
        return _form(WELCOME)
    link = f'<a href="{UI_PATH}/">打开流程页面</a>' if jiesu.settings.web_ui else ""
    return _page(SIGNED_IN.format(link=link, action=f"{CODEC_PATH}/sign-out"))


@router.post("/sign-in")
async def sign_in(request: Request, jiesu: Jiesu, key: Annotated[str, Form()] = "") -> Response:
    """Keep a valid key in the browser, where no script reads it and no other site has it sent."""
    refusal = await _refusal(jiesu, key)
    if refusal is not None:
        return refusal
    answer = RedirectResponse(f"{UI_PATH}/" if jiesu.settings.web_ui else SIGN_IN, 303)
    secure = request.url.scheme == "https"
    for path in PATHS:
        answer.set_cookie(
            COOKIE, key, max_age=SIGNED_IN_SECONDS, path=path, secure=secure, httponly=True, samesite="strict"
        )
    return answer


@router.post("/sign-out")
async def sign_out() -> Response:
    """Have the browser forget the key."""
    answer = RedirectResponse(SIGN_IN, 303)
    for path in PATHS:
        answer.delete_cookie(COOKIE, path)
    return answer


async def _refusal(jiesu: Service, key: str | None) -> HTMLResponse | None:
    """The form again, saying what is wrong with the key; None when it opens what it is for."""
    try:
        actor = await actor_of(jiesu, key)
    except Problem as problem:
        return _form(WRONG_KEY, problem.status)
    return None if may(actor.role, "decode") else _form(WRONG_POST, 403)


def _form(sentence: str, status: int = 200) -> HTMLResponse:
    return _page(FORM.format(sentence=sentence, action=SIGN_IN), status)


def _page(content: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(PAGE.format(content=content), status, {"Content-Security-Policy": POLICY})
