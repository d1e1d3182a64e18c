"""Another case for alerts that are confirmed and lost theirs: it closed by itself as they joined it."""

from datetime import datetime

from sqlalchemy import Connection, select, update

from domain.city import City
from ledger.alert_cases import give_cases
from ledger.alert_rows import held_assets, open_alerts
from ledger.database import begin_writing
from ledger.tables import ALERTS

HOMELESS = ALERTS.c.ended_at.is_(None) & ALERTS.c.confirmed_at.is_not(None) & ALERTS.c.case_number.is_(None)
AT_ONCE = 500


def house_alerts(connection: Connection, city: City, at: datetime) -> None:
    """Give cases to confirmed alerts that have none; one that is well by now, or no kind of the city's, ends.

    The sweep starts those cases, as any that are accepted and not started.
    """
    begin_writing(connection)
    waiting = select(ALERTS.c.asset).where(HOMELESS).order_by(ALERTS.c.id).limit(AT_ONCE)
    assets = held_assets(connection, set(connection.scalars(waiting)))
    found = open_alerts(connection, assets).values()
    alerts = [alert for alert in found if alert.confirmed_at and not alert.case_number]
    wrong = [alert for alert in alerts if alert.recovered_at is None and alert.kind in city.sensors.kinds]
    over = {alert.id for alert in alerts} - {alert.id for alert in wrong}
    if over:
        connection.execute(update(ALERTS).where(ALERTS.c.id.in_(over)).values(ended_at=at))
    give_cases(connection, city, wrong, assets, at)
