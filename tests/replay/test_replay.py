"""The histories of released workflows replay on the workflow as it is now; one that would not is caught here."""

from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, WorkflowRunner

from tests.keys import CONVERTER
from tests.workflows.conftest import GUARDED
from tests.workflows.hotline import NOTE, PERSONAL
from workflows.attributes import LEAD
from workflows.case import CaseWorkflow
from workflows.follow import FollowWorkflow
from workflows.sweep import SweepWorkflow

FOLDER = Path(__file__).with_name("histories")
HISTORIES = sorted(FOLDER.glob("*.json"))
RUNNERS = {"sandboxed": GUARDED, "as in production": UnsandboxedWorkflowRunner()}


def read(path: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json("ZZ-20000101-00001", path.read_text())


async def replay(path: Path, runner: WorkflowRunner) -> None:
    workflows = [CaseWorkflow, FollowWorkflow, SweepWorkflow]
    replayer = Replayer(workflows=workflows, workflow_runner=runner, data_converter=CONVERTER)
    await replayer.replay_workflow(read(path))


def test_there_are_histories_of_several_kinds() -> None:
    assert len(HISTORIES) >= 6


@pytest.mark.parametrize("runner", RUNNERS.values(), ids=RUNNERS)
@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_history_replays(path: Path, runner: WorkflowRunner) -> None:
    await replay(path, runner)


@pytest.mark.parametrize("runner", RUNNERS.values(), ids=RUNNERS)
@pytest.mark.parametrize("name", ["follow", "sweep"])
async def test_a_history_of_another_workflow_replays(runner: WorkflowRunner, name: str) -> None:
    await replay(FOLDER / "others" / f"{name}.json", runner)


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_another_sequence_of_commands_is_caught(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = CaseWorkflow._show_standing

    def more(self: CaseWorkflow) -> None:
        kept(self)
        workflow.upsert_search_attributes([LEAD.value_set("another")])

    monkeypatch.setattr(CaseWorkflow, "_show_standing", more)
    with pytest.raises(workflow.NondeterminismError):
        await replay(path, UnsandboxedWorkflowRunner())


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
def test_a_history_names_no_person_and_no_machine(path: Path) -> None:
    text = path.read_text() + "".join(
        payload for event in read(path).events for payload in [event.SerializeToString().decode(errors="replace")]
    )
    for secret in (*PERSONAL.values(), NOTE, "/root", "/home", "/work", "site-packages"):
        assert secret not in text, secret
