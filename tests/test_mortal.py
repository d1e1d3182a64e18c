import subprocess
from pathlib import Path

from tests.mortal import mortal


def test_a_program_ends_with_its_owner_though_nobody_told_it_to(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as owner:
        program = subprocess.Popen([mortal("/bin/sleep", tmp_path / "sleeper", owner.pid), "60"])
        owner.kill()
    assert program.wait(5) == -9
