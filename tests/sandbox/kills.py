"""Kill a sandbox with a file while somebody writes, again and again; then see that all that was answered is there.

`python -m tests.sandbox.kills --kills 50 --seed 1`
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import threading
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
UID, API_KEY = "kills-uid-00000000000", "kills-api-key-00000000000"
# Users whose counters one request raises together.
TOGETHER = 5

_PROGRAM = f"""
import sys
from suprsend_async.sandbox import Sandbox
with Sandbox(store=sys.argv[1], workspace_uid={UID!r}, api_key={API_KEY!r}) as sandbox:
    print(sandbox.url, flush=True)
    sys.stdin.read()
"""


@dataclass
class Known:
    """What was answered, and so has to be there.

    Attributes:
        users: The plan of each user; None for one that was deleted.
        objects: The size of each object.
        links: The role of each subscription, by object and user.
        preferences: The choice of each user.
        raised: How often the counters were raised together.
        in_doubt: How often they were without an answer.
    """

    users: dict[str, int | None] = field(default_factory=dict[str, "int | None"])
    objects: dict[str, int] = field(default_factory=dict[str, int])
    links: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    preferences: dict[str, str] = field(default_factory=dict[str, str])
    raised: int = 0
    in_doubt: int = 0

    @property
    def answered(self) -> int:
        return len(self.users) + len(self.objects) + len(self.links) + len(self.preferences) + self.raised


@contextmanager
def served(store: Path) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    """Run a sandbox in a process of its own, and lend a client that owes nothing to the SDK."""
    command = [sys.executable, "-c", _PROGRAM, str(store)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        assert url, "the sandbox did not start"
        headers = {"Authorization": f"Bearer {API_KEY}"}
        with httpx.Client(base_url=url, headers=headers, trust_env=False) as client:
            yield process, client
    finally:
        process.kill()
        process.communicate()


def write(client: httpx.Client, known: Known, number: int) -> None:
    """Make one write, and note it once it is answered."""
    user, team = f"u{number // 6}", f"t{number // 6}"

    def send(method: str, path: str, content: object = None) -> None:
        reply = client.request(method, path, json=content)
        assert reply.status_code < 300, reply.text

    match number % 6:
        case 0:
            send("POST", f"v1/user/{user}/", {"plan": number})
            known.users[user] = number
        case 1:
            send("POST", f"v1/object/teams/{team}/", {"size": number})
            known.objects[team] = number
        case 2:
            send("POST", f"v1/object/teams/{team}/subscription/", {"recipients": [user], "properties": {"n": number}})
            known.links[team, user] = number
        case 3:
            preference = "opt_out" if number % 12 == 3 else "opt_in"
            send("PATCH", f"v1/user/{user}/preference/category/promotional/", {"preference": preference})
            known.preferences[user] = preference
        case 4:
            edits = [_edit(f"counter-{place}") for place in range(TOGETHER)]
            known.in_doubt += 1
            send("POST", "event/", edits)
            known.in_doubt -= 1
            known.raised += 1
        case _ if number % 5 == 0:
            send("DELETE", f"v1/user/{user}/")
            known.users[user] = None
            known.links.pop((team, user), None)
            known.preferences.pop(user, None)


def _edit(distinct_id: str) -> dict[str, Any]:
    return {
        "$insert_id": str(uuid.uuid4()),
        "$time": 1_704_164_645_000,
        "env": UID,
        "distinct_id": distinct_id,
        "$user_operations": [{"$add": {"n": 1}}],
    }


def missing(client: httpx.Client, known: Known) -> list[str]:
    """Return what was answered and is not there."""

    def read(path: str) -> Any:
        return client.get(path).json()

    problems = [f"user {user}" for user, plan in known.users.items() if _plan(client, user) != plan]
    problems += [
        f"object {team}"
        for team, size in known.objects.items()
        if read(f"v1/object/teams/{team}/").get("properties") != {"size": size}
    ]
    for (team, user), number in known.links.items():
        page = read(f"v1/object/teams/{team}/subscription/")
        if [each["properties"] for each in page.get("results", ())] != [{"n": number}]:
            problems.append(f"subscription of {user} to {team}")
    for user, preference in known.preferences.items():
        if read(f"v1/user/{user}/preference/category/promotional/").get("preference") != preference:
            problems.append(f"preference of {user}")
    raised = {read(f"v1/user/counter-{place}/").get("properties", {}).get("n", 0) for place in range(TOGETHER)}
    if len(raised) != 1 or not known.raised <= max(raised) <= known.raised + known.in_doubt:
        problems.append(f"counters at {raised}, raised {known.raised} times and {known.in_doubt} in doubt")
    return problems


def _plan(client: httpx.Client, user: str) -> int | None:
    reply = client.get(f"v1/user/{user}/")
    return None if reply.status_code == 404 else int(reply.json()["properties"]["plan"])


def kill_again_and_again(store: Path, kills: int, seed: int) -> tuple[Known, list[str]]:
    """Return what was answered over so many kills of one sandbox, and what of it is missing in the end."""
    chance, numbers = random.Random(seed), count()
    known = Known()
    for _ in range(kills):
        with served(store) as (process, client):
            # The first takes longest, since it imports what checks bodies. Then at some moment of the requests that
            # follow, not between two of them.
            write(client, known, number := next(numbers))
            killer = threading.Timer(chance.uniform(0.02, 0.3), process.kill)
            killer.start()
            try:
                for number in numbers:
                    write(client, known, number)
            except httpx.TransportError:
                _forget(known, number)
            killer.join()
        # Those of a round belong to one user and team: the next begins with new ones.
        numbers = count((number // 6 + 1) * 6)
    with served(store) as (_, client):
        return known, missing(client, known)


def _forget(known: Known, number: int) -> None:
    """Expect nothing of what the write in doubt may have changed."""
    user, team = f"u{number // 6}", f"t{number // 6}"
    for each in (known.users, known.preferences):
        each.pop(user, None)
    known.objects.pop(team, None)
    known.links.pop((team, user), None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        known, problems = kill_again_and_again(Path(directory, "sandbox.db"), arguments.kills, arguments.seed)
    sys.stdout.write(f"{known.answered} answered, missing: {problems or 'nothing'}\n")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
