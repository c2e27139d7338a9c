from pathlib import Path

import pytest
from suprsend_async.integrations.pytest_sandbox import SandboxFixture

import nightly_script


def test_every_row_is_an_event_and_a_second_run_repeats_none(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    suprsend_env: dict[str, str],
    suprsend_sandbox: SandboxFixture,
) -> None:
    file = tmp_path / "renewals.csv"
    file.write_text("user,on\nuser-1,2026-12-01\nuser-2,2026-12-03\n", "utf-8")
    monkeypatch.setattr("sys.argv", ["nightly_script.py", str(file)])
    assert nightly_script.main() == 0
    assert nightly_script.main() == 0
    assert len(suprsend_sandbox.events(name="plan_renews")) == 2
