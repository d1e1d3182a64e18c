"""The codec server: decodes a workflow's payloads for those who may read them, in Temporal's Web UI and tools."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from google.protobuf import json_format
from pydantic import BaseModel, Field
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send
from temporalio.api.common.v1 import Payloads

from api.access import allowed
from api.problems import Problem, malformed
from api.service import Jiesu, service
from domain.roles import Actor
from temporal.codec import Cipher
from temporal.keyring import Unopened
from temporal.web_ui import CODEC_PATH

router = APIRouter(tags=["codec"])

MAY_DECODE = allowed("decode")
MINUTE = 60


class PayloadJson(BaseModel):
    """A payload as protobuf writes it in JSON: bytes in base64."""

    metadata: dict[str, str] = Field(default_factory=dict)
    data: str = ""


class PayloadsJson(BaseModel):
    """What Temporal's remote codec protocol sends and expects back."""

    payloads: list[PayloadJson] = Field(default_factory=list)


@router.post(f"{CODEC_PATH}/decode", summary="Decode payloads, by Temporal's remote codec protocol")
async def decode(
    encoded: PayloadsJson,
    jiesu: Jiesu,
    _: Annotated[Actor, Depends(MAY_DECODE)],
) -> PayloadsJson:
    """Decrypt what our clients and workers wrote; what is not encrypted comes back as it is."""
    return await asyncio.to_thread(_decoded, encoded, jiesu.codec)


def _decoded(encoded: PayloadsJson, cipher: Cipher) -> PayloadsJson:
    """Takes half a second for the longest body."""
    try:
        payloads = json_format.ParseDict(encoded.model_dump(), Payloads()).payloads
    except (json_format.ParseError, ValueError):
        raise malformed("payloads: not Temporal payloads as protobuf writes them in JSON") from None
    try:
        decoded = cipher.decrypt(payloads)
    except Unopened as error:
        raise Problem(422, "cannot_decode", str(error), "内容无法解密：密钥不在本系统，或内容已被改动。") from None
    return PayloadsJson.model_validate(json_format.MessageToDict(Payloads(payloads=decoded)))


class CodecCors:
    """ASGI middleware: pages of `Settings.web_origins` may call the codec server with credentials, no others."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["type"] == "http" and scope["path"] == f"{CODEC_PATH}/decode":
            origins = (await service(Request(scope))).settings.web_origins.split()
            if origins:
                app = _with_cors(app, origins)
        await app(scope, receive, send)


def _with_cors(app: ASGIApp, origins: list[str]) -> ASGIApp:
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=["POST"],
        allow_headers=["Authorization", "Content-Type", "X-Namespace"],
        allow_credentials=True,
        max_age=10 * MINUTE,
    )
