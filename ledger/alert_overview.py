"""What sensors say of a case, for whoever is sent there: which assets, where, since when, and which are well again."""

from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import Connection, RowMapping, func, select

from domain.city import City
from ledger.errors import Unreadable
from ledger.readable import FOREIGN
from ledger.tables import ALERTS, ASSETS

MOST = 100
"""So many alerts are shown with their case; `ledger.alert_listing` has them all. Ours."""

PLACE = ("address", "longitude", "latitude")


class CaseAlert(BaseModel):
    """One asset's alert that belongs to a case."""

    asset: str
    kind: str
    kind_zh: str
    opened: bool = Field(description="Whether it opened the case; others joined it.")
    first_at: AwareDatetime
    last_at: AwareDatetime
    last_value: float | None
    measure: str = Field(description="Unit of the value.")
    recovered_at: AwareDatetime | None = Field(description="Since when all is well again, if it is.")
    address: str | None = Field(description="Where it is, for posts that read personal data and until that is erased.")
    longitude: float | None
    latitude: float | None


class CaseAlerts(BaseModel):
    """What sensors say of a case by now."""

    count: int = Field(description="How many alerts belong to it.")
    recovered: int = Field(description="Of how many of them all is well again.")
    shown: list[CaseAlert] = Field(
        description=f"Those not well first, then in the order in which they came; at most {MOST}. "
        "`GET /alerts?case=` lists all."
    )


def case_alerts(connection: Connection, city: City, number: str, *, places: bool) -> CaseAlerts | None:
    """The alerts that belong to a case, with where their assets are or without; None if there are none.

    Raises Unreadable.
    """
    of_case = ALERTS.c.case_number == number
    counts = select(func.count(), func.count(ALERTS.c.recovered_at)).where(of_case)
    count, recovered = connection.execute(counts).one()
    if not count:
        return None
    # What moves is where its alert says.
    here = [func.coalesce(ALERTS.c[name], ASSETS.c[name]).label(name) for name in ("longitude", "latitude")]
    alerts = [column for column in ALERTS.c if column.name not in PLACE]
    rows = select(*alerts, ASSETS.c.address, *here).outerjoin(ASSETS, ASSETS.c.code == ALERTS.c.asset).where(of_case)
    rows = rows.order_by(ALERTS.c.recovered_at.is_not(None), ALERTS.c.confirmed_at, ALERTS.c.id).limit(MOST)
    try:
        shown = [_shown(row, city, places=places) for row in connection.execute(rows).mappings()]
    except FOREIGN:
        raise Unreadable(number) from None
    return CaseAlerts(count=count, recovered=recovered, shown=shown)


def _shown(row: RowMapping, city: City, *, places: bool) -> CaseAlert:
    kind = city.sensors.kinds.get(row["kind"])
    withheld = {} if places else dict.fromkeys(PLACE)
    called = {"kind_zh": kind.name if kind else row["kind"], "measure": kind.measure if kind else ""}
    return CaseAlert.model_validate({**row, **called, **withheld})
