"""The tables of the ledger by name, for statements that work without its row classes."""

from sqlalchemy import Table
from sqlmodel import SQLModel

from ledger import models


def _table(row: type[SQLModel]) -> Table:
    return SQLModel.metadata.tables[str(row.__tablename__)]


ALERTS = _table(models.AlertRow)
ASSETS = _table(models.AssetRow)
ATTACHMENTS = _table(models.AttachmentRow)
ATTEMPTS = _table(models.AttemptRow)
CASES = _table(models.CaseRow)
CASE_UNITS = _table(models.CaseUnitRow)
EVENTS = _table(models.EventRow)
FINDINGS = _table(models.FindingRow)
MEASURES = _table(models.MeasureRow)
MESSAGES = _table(models.MessageRow)
NOTES = _table(models.NoteRow)
READS = _table(models.ReadRow)
REFUSED = _table(models.RefusedRow)
REFUSAL_COUNTS = _table(models.RefusalCountRow)
REQUESTS = _table(models.RequestRow)
SENSOR_EVENTS = _table(models.SensorEventRow)
SERIALS = _table(models.SerialRow)
STRAYS = _table(models.StrayReceiptRow)
SYSTEMS = _table(models.SystemRow)
VOIDED = _table(models.VoidedEventRow)
