"""What a repeated request is recognised by is kept for years, so it may never change."""

from pydantic import BaseModel

from api.repeating import Asked, digest
from domain.roles import Actor, Role


class Body(BaseModel):
    text: str
    solved: bool | None = None


def test_an_upgrade_recognises_the_requests_of_before() -> None:
    asked = Asked(Actor(role=Role.AGENT, id="0a1b2c3d"), "hurry", "ZZ-20261121-00001", "typed-by-a-caller")
    assert asked.key == "0a1b2c3d:hurry:typed-by-a-caller"
    assert asked.id == "7b6c206dba7c56999d729b91417a98ed"
    assert digest(Body(text="催办")) == "2e93b2b39fadc6b75a10529af0e1b9132920e3671a0c7795dacb0888f578cce2"
