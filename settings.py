"""Where this installation keeps things and whom it talks to; `JIESU_<NAME>` in the environment sets each value."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent


class Settings(BaseSettings):
    """One installation's settings, read from the environment only: no secret is ever kept in a file of ours."""

    model_config = SettingsConfigDict(env_prefix="JIESU_", frozen=True)

    city: str = "zhengzhou"
    """Folder name under `cities/`: the data that makes this engine a certain city's."""

    cities: Path = ROOT / "cities"
    """Folder that holds the cities; a platform team may keep its own outside the package."""

    home: Path = Path(".jiesu")
    """Folder of the embedded stack: ledger, engine state, logs, lock."""

    database_url: str | None = None
    """SQLAlchemy URL of the ledger; without it the ledger is SQLite under `home`."""

    task_queue: str = "jiesu"
    """Temporal task queue of the case workflows and their activities."""

    patience: float = Field(default=10.0, gt=0)
    """Seconds a step may wait for a worker before the caller is asked to repeat it."""

    host: str = "127.0.0.1"
    """Address on which the embedded stack listens."""

    api_port: int = 8000
    temporal_port: int = 7233
    temporal_ui_port: int = 8233
    sandbox_port: int = 8600
    """First of the ports of the sandbox city; it takes this one and the next seven."""

    @property
    def city_folder(self) -> Path:
        return self.cities / self.city

    @property
    def ledger_url(self) -> str:
        return self.database_url or f"sqlite+aiosqlite:///{self.home.resolve() / 'ledger.db'}"
