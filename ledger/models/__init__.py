"""The tables of the ledger. Instants are UTC. What has `repr=False` is personal, and never logged."""

from ledger.models.access import OF_CLIENT, AttemptRow, KeyRow, ReadRow
from ledger.models.alerts import AlertRow, AssetRow, SensorEventRow
from ledger.models.cases import PERSONAL, UNERASED, AttachmentRow, CaseRow, CaseUnitRow, FindingRow, SerialRow
from ledger.models.events import BEGINNINGS, EventRow, MeasureRow, NoteRow, VoidedEventRow
from ledger.models.incoming import RefusalCountRow, RefusedRow, RequestRow, SendingRow
from ledger.models.messages import TO_PLATFORMS, TO_SYSTEMS, MessageRow, StrayReceiptRow, SystemRow

__all__ = [
    "BEGINNINGS",
    "OF_CLIENT",
    "PERSONAL",
    "TO_PLATFORMS",
    "TO_SYSTEMS",
    "UNERASED",
    "AlertRow",
    "AssetRow",
    "AttachmentRow",
    "AttemptRow",
    "CaseRow",
    "CaseUnitRow",
    "EventRow",
    "FindingRow",
    "KeyRow",
    "MeasureRow",
    "MessageRow",
    "NoteRow",
    "ReadRow",
    "RefusalCountRow",
    "RefusedRow",
    "RequestRow",
    "SendingRow",
    "SensorEventRow",
    "SerialRow",
    "StrayReceiptRow",
    "SystemRow",
    "VoidedEventRow",
]
