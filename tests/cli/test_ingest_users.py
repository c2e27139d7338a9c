"""Rows that become users, triggers or members of a list, by `suprsend-async ingest`."""

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Run
from tests.cli.ingesting import advised, figures

from suprsend_async.sandbox import Sandbox

AS_USERS = ("--as", "users", "--distinct-id", "id", "--email", "mail", "--sms", "phone", "--property", "plan")


@pytest.fixture
def people(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text("id,mail,phone,plan\nu-1,a@example.com,+15550100,pro\nu-2,,555,free\n", encoding="utf-8")
    return path


def test_users_of_a_file(run: Run, sandbox: Sandbox, people: Path) -> None:
    preview = run("ingest", str(people), *AS_USERS, "--preview", "1")
    assert json.loads(preview.stdout)["$user_operations"][0] == {"$append": {"$email": "a@example.com"}}
    check = run("ingest", str(people), *AS_USERS, "--check")
    assert check.returncode == 1
    assert "column 'phone' is not a phone number" in check.stderr
    result = run("ingest", str(people), *AS_USERS, **sandbox.environment())
    assert (result.returncode, figures(result.stdout)["accepted"]) == (1, 1)
    assert "1 row could not become users" in result.stdout
    assert sorted(path.name for path in people.parent.iterdir()) == [
        "people.csv",
        "people.csv.users.checkpoint",
        "people.csv.users.dead",
    ]
    resent = run("ingest", f"{people}.users.dead", **sandbox.environment())
    assert resent.returncode == 1
    assert "The users that were not accepted are still in" in resent.stdout
    assert "event" not in resent.stdout
    people.write_text(people.read_text(encoding="utf-8").replace("555,f", "+15550101,f"), encoding="utf-8")
    again = run(*advised(result.stdout), **sandbox.environment())
    assert (again.returncode, figures(again.stdout)["accepted"]) == (0, 2), again.stdout + again.stderr
    assert (sandbox.user("u-2") or {})["properties"] == {"plan": "free"}


def test_two_jobs_over_one_file_have_files_of_their_own(run: Run, sandbox: Sandbox, people: Path) -> None:
    with sandbox.blocking_client() as client:
        client.subscriber_lists.create({"list_id": "beta"})
    run("ingest", str(people), *AS_USERS, **sandbox.environment())
    as_list = ("--as", "list:beta", "--distinct-id", "id")
    result = run("ingest", str(people), *as_list, **sandbox.environment())
    assert (result.returncode, sandbox.list_members("beta")) == (0, ["u-1", "u-2"]), result.stderr
    assert (people.parent / "people.csv.list-beta.checkpoint").exists()
    checkpoint = str(people.parent / "people.csv.users.checkpoint")
    refused = run("ingest", str(people), *as_list, "--checkpoint", checkpoint, **sandbox.environment())
    assert refused.returncode == 2
    assert "rows become users, and those of this one become list:beta" in refused.stderr


def test_the_members_of_a_list_that_is_not_whole_wait(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "members.jsonl"
    path.write_text('{"id": "u-1"}\n{"name": "nobody"}\n', encoding="utf-8")
    with sandbox.blocking_client() as client:
        client.subscriber_lists.create({"list_id": "beta"})
    as_list = ("--as", "list:beta", "--distinct-id", "id")
    result = run("ingest", str(path), *as_list, **sandbox.environment())
    assert (result.returncode, sandbox.list_members("beta")) == (1, [])
    assert "The list beta is as it was" in result.stdout
    assert advised(result.stdout)[1] == "--retry-failed"
    result = run("ingest", str(path), *as_list, "--finish-incomplete", "--json", **sandbox.environment())
    *_, finished = map(json.loads, result.stdout.splitlines())
    assert (finished["list_is_live"], finished["records"]) == (True, "list:beta")
    assert sandbox.list_members("beta") == ["u-1"]
    dead = run("ingest", f"{path}.list-beta.dead", **sandbox.environment())
    assert (dead.returncode, "add --retry-failed to the command that read it" in dead.stderr) == (2, True)


@pytest.mark.parametrize("kind", ["users", "workflows", "list:beta"])
def test_a_mapping_file_says_what_rows_become(run: Run, people: Path, tmp_path: Path, kind: str) -> None:
    more = {"users": 'email = "mail"', "workflows": 'workflow = "order-shipped"', "list:beta": ""}[kind]
    file = tmp_path / "mapping.toml"
    file.write_text(f'as = "{kind}"\ndistinct_id = "id"\n{more}\n', encoding="utf-8")
    for arguments in ((), ("--as", kind), ("--sandbox",)):
        looking = () if arguments == ("--sandbox",) else ("--check",)
        result = run("ingest", str(people), "--map", str(file), *arguments, *looking)
        assert result.returncode == 0, result.stderr
    result = run("ingest", str(people), "--map", str(file), "--as", "events", "--check")
    assert (result.returncode, "leave out one of them" in result.stderr) == (2, True)
