"""The steps of a case, one file per rule: what may be asked, when it is refused, what follows."""

from domain.command import Command
from domain.steps.answering import Answer
from domain.steps.callback import CallBack, Rate
from domain.steps.citizen import Hurry, Supplement, Withdraw
from domain.steps.closing import Close
from domain.steps.dispatch import Dispatch, Redispatch, Resend
from domain.steps.extension import DecideExtension, RequestExtension
from domain.steps.grid import AssignGrid, GridEscalate, GridReport, GridResolve, GridSignIn
from domain.steps.progress import GiveOpinion, ReportProgress
from domain.steps.reclassification import Reclassify
from domain.steps.recovery import NoteRecovery
from domain.steps.result import SubmitResult
from domain.steps.returns import DecideReturn, RequestReturn
from domain.steps.screening import Reject
from domain.steps.sign_in import SignIn
from domain.steps.suspension import DecideSuspension, RequestSuspension, Resume
from domain.steps.transfer import AcknowledgeTransfer, RefuseTransfer, Transfer
from domain.steps.upkeep import ChangeCalendar, ReportFailure
from domain.steps.visit import RecordVisit

PEOPLE_STEPS: dict[str, type[Command]] = {
    command.step: command
    for command in (
        Reject,
        Answer,
        Transfer,
        AcknowledgeTransfer,
        RefuseTransfer,
        Dispatch,
        Redispatch,
        Resend,
        Reclassify,
        SignIn,
        RequestReturn,
        DecideReturn,
        GiveOpinion,
        ReportProgress,
        RequestExtension,
        DecideExtension,
        RequestSuspension,
        DecideSuspension,
        Resume,
        RecordVisit,
        SubmitResult,
        GridSignIn,
        GridReport,
        GridResolve,
        GridEscalate,
        AssignGrid,
        CallBack,
        Rate,
        Supplement,
        Hurry,
        Withdraw,
        Close,
    )
}
"""Steps that people take, by name."""

ENGINE_STEPS: dict[str, type[Command]] = {
    command.step: command for command in (ChangeCalendar, ReportFailure, NoteRecovery)
}
"""Steps that only the engine takes."""
