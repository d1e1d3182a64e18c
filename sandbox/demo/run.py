"""Play all stories on a fresh stack, side by side, then show and check what came of them."""

import asyncio
import os
import shutil
import time
from functools import partial

from filelock import FileLock, Timeout
from rich.console import Console
from rich.markup import escape

from domain.city import City, load_city
from sandbox.demo.driver import Driver
from sandbox.demo.report import print_case, print_summary
from sandbox.demo.stories import STORIES
from sandbox.demo.story import Story, Told
from sandbox.prepare import prepare
from sandbox.stack import Stack, StackError
from sandbox.up import welcome
from settings import Settings

AT_ONCE = 6
"""Stories that are played side by side."""


def run(settings: Settings) -> int:
    """Play the stories; 0 if every case ended as it must. KEEP=1 in the environment leaves the stack up until Ctrl-C.

    Raises StackError when the stack cannot start, ConfigError for a malformed city.
    """
    console = Console(highlight=False, width=None if os.isatty(1) else 140)
    home = settings.home.resolve() / "demo"
    home.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(home.with_suffix(".lock"))
    try:
        with lock.acquire(timeout=0):
            shutil.rmtree(home, ignore_errors=True)
            return asyncio.run(_run(settings.model_copy(update={"home": home, "database_url": None}), console))
    except Timeout:
        raise StackError("A demonstration is already running here; wait for it, or set JIESU_HOME.") from None


async def _run(settings: Settings, console: Console) -> int:
    city = load_city(settings.city_folder)
    async with Stack(settings, prepare=partial(prepare, settings), progress=console.print, time_skipping=True) as stack:
        console.print(welcome(settings, stack.urls), "\n", soft_wrap=True)
        started = time.monotonic()
        console.print("Each case has a clock of its own; all are played side by side.\n")
        all_told = await _play_all(settings, city, console)
        console.print()
        for told in all_told:
            print_case(console, told, city, stack.urls["temporal"])
        print_summary(console, all_told, time.monotonic() - started)
        if not os.environ.get("KEEP"):
            console.print("The links above are gone with the stack; KEEP=1 make demo leaves it up.")
        else:
            console.print(welcome(settings, stack.urls))
            console.print("\nEverything stays up until Ctrl-C.")
            await stack.wait()
            console.print("Stopped.")
    return int(any(told.faults for told in all_told))


async def _play_all(settings: Settings, city: City, console: Console) -> list[Told]:
    driver = await Driver.open(settings, city)
    gate = asyncio.Semaphore(AT_ONCE)
    try:
        # The gateway fails at first: texts are late, no deadline is.
        await driver.fault("sms", "error", times=2)
        return await asyncio.gather(*(_play(driver, story, gate, console) for story in STORIES))
    finally:
        await driver.close()


async def _play(driver: Driver, story: Story, gate: asyncio.Semaphore, console: Console) -> Told:
    """One story from start to end; whatever goes wrong is noted on it and does not stop the others."""
    told = Told(story)

    def say(what: str) -> None:
        console.print(f"  [cyan]{told.number or 'submitting'}[/cyan] {story.title}  {what}", soft_wrap=True)

    async with gate:
        try:
            case = await driver.submit(story.role, story.request, say)
            told.number = case.number
            say(f"accepted by {story.request['channel']}")
            await story.script(driver, case)
            told.timeline = await driver.timeline(case)
            told.case = await driver.read(case)
            told.check()
            say("[green]ended as expected[/green]" if not told.faults else "[red]ended otherwise[/red]")
        except Exception as error:
            told.faults.append(f"{type(error).__name__}: {error}")
            say(f"[red]{escape(told.faults[-1])}[/red]")
    return told
