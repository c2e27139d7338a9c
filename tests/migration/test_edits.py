"""What of a blocking program is edited, and what is only named."""

from __future__ import annotations

import ast

import pytest
from tests.released.every_method import lines

from suprsend_async import Suprsend
from suprsend_async.keyed import Keyed
from suprsend_async.migration import replacements
from suprsend_async.migration.calls import advice_on, classes

from .moving import CLOSE, HEAD, HEAD_HERE, code_of, left, moved, notes, statement

SAME = [
    "client.track_event(Event('user-1', 'paid', {'total': 1}))",
    "client.users.upsert('user-1', {'plan': 'pro'})",
    "client.tenants.list(50, 0)",
    "client.users.edit('user-1', {'operations': []}, 'acme')",
    "client.users.list(limit=10)",
    "print(Event('user-1', 'paid')['x'])",
    "other.users.list({'limit': 10})",
]
CHANGED = {
    "client.users.list({'limit': 10})": "client.users.list(limit=10)",
    'client.users.list({"limit": 10, "after": after})': "client.users.list(limit=10, after=after)",
    "client.users.list(options={'limit': 10})": "client.users.list(limit=10)",
    "client.users.list({})": "client.users.list()",
    "client.users.list(None)": "client.users.list()",
    "client.objects.list('teams', None)": "client.objects.list('teams')",
    "client.objects.list('teams', {'limit': 5})": "client.objects.list('teams', limit=5)",
    "client.users.list(given)": "client.users.list(**(given or {}))",
    "client.users.list(dict(limit=5))": "client.users.list(**dict(limit=5))",
    "given = {'limit': 5}; client.users.list(given)": "given = {'limit': 5}; client.users.list(**given)",
    "client.users.list({'limit': 5, **more})": "client.users.list(**{'limit': 5, **more})",
    "client.users.get('user-1', {'expand': 1})": "client.users.get('user-1', query={'expand': 1})",
    "client.users.get('user-1', given)": "client.users.get('user-1', query=given)",
    "client.user.get_instance('user-1')": "client.users.get_edit_instance('user-1')",
    "client.user.new('user-1').add_email('a@example.com')": (
        "client.users.get_edit_instance('user-1').add_email('a@example.com')"
    ),
    "client.bulk_users.new_instance().trigger()": "client.users.get_bulk_edit_instance().save()",
    "client.track('user-1', 'paid', {'total': 1}, idempotency_key='k')": (
        "client.track_event(Event('user-1', 'paid', {'total': 1}, idempotency_key='k'))"
    ),
    "edit = client.user.get_instance('user-1'); edit.save()": (
        "edit = client.users.get_edit_instance('user-1'); client.users.async_edit(edit)"
    ),
    "edit = client.objects.get_edit_instance('teams', 'sre')\nedit.save()": (
        "edit = client.objects.get_edit_instance('teams', 'sre')\nclient.objects.edit(edit)"
    ),
    "for key in client.users.get('user-1').keys(): ...": (
        "for key in client.users.get('user-1').to_dict().keys(): ..."
    ),
    "import json\njson.dumps(client.users.get('user-1'), indent=1)": (
        "import json\njson.dumps(client.users.get('user-1').to_dict(), indent=1)"
    ),
}
LEFT = {
    "client.trigger_workflow(body)": (
        "'Suprsend' object has no attribute 'trigger_workflow'; "
        "use client.workflows.trigger(WorkflowTriggerRequest(workflow, recipients, data))"
    ),
    "client.bulk_workflows.new_instance()": (
        "'Suprsend' object has no attribute 'bulk_workflows'; "
        "use client.workflows.bulk_trigger_instance(), or client.workflows.send(source)"
    ),
    "client.users.get_edit_instance('u').errors": (
        "'UserEdit' object has no attribute 'errors'; use the ValidationError that a bad value raises where it is given"
    ),
    "client.users.get_for_tenant('u', 't', {'x': 1})": (
        "Users.get_for_tenant() takes no options; client.request(method, route, query={…}) takes any"
    ),
    "client.users.list({'page': 1})": "Users.list() takes no option page",
    "client.users.list(1, 2)": "Users.list() takes no more than 0 arguments by position",
    "client.users.get(user='u')": "Users.get() has no parameter user",
    "event = Event('u', 'paid'); event.properties = {}": (
        "event.properties cannot be set; give it where the Event is made"
    ),
    "client.users.delete('u')['success']": "the call returns None here, and raises if the platform refuses it",
}


@pytest.mark.parametrize("line", SAME)
def test_what_is_the_same_stays(line: str) -> None:
    assert statement(line) == line
    assert left(HEAD + line) == []


@pytest.mark.parametrize(("there", "here"), CHANGED.items(), ids=CHANGED)
def test_a_call_is_written_as_it_is_here(there: str, here: str) -> None:
    assert statement(there) == here
    assert left(HEAD + there) == []


@pytest.mark.parametrize(("line", "said"), LEFT.items(), ids=LEFT)
def test_what_has_no_counterpart_is_named(line: str, said: str) -> None:
    assert statement(line) == line
    assert left(HEAD + line) == [(4, said)]


@pytest.mark.parametrize("line", ["client.trigger_workflow(body)", "client.bulk_workflows.new_instance()"])
def test_it_is_named_as_the_error_names_it(line: str) -> None:
    (_, said), *_ = left(HEAD + line)
    with Suprsend("workspace_key", "workspace_secret") as client, pytest.raises(AttributeError) as error:
        eval(line, {"client": client})
    assert str(error.value) == said


def test_every_method_of_the_released_client_is_moved_as_its_program_here_is() -> None:
    """But for two lines, which an asynchronous program writes on two, so that one program fits both."""
    by_hand = {'draft = client.subscriber_lists.start_sync("week")["version_id"]', "draft"}
    names = "Event, SubscriberListBroadcast, Suprsend, WorkflowTriggerRequest"
    head = f"from suprsend import {names}\nclient = Suprsend()\n"
    module = moved(head + "\n".join(there for there, _ in lines()))
    result = module.result.decode().splitlines()[2:]
    for (there, here), line in zip(lines(), result, strict=True):
        wanted = there if there in by_hand else here
        assert ast.unparse(ast.parse(line)) == ast.unparse(ast.parse(wanted))
    assert [(remark.line, remark.text) for remark in module.remarks] == [(2, CLOSE)]


def test_what_is_edited_is_in_the_table_of_what_to_use() -> None:
    known = {**classes(), "Keyed": Keyed}
    for owner, name in replacements._ATTRIBUTES | replacements._CALLS:
        assert advice_on(known[owner], name), (owner, name)
        found = replacements.renamed_attribute(known[owner], name) or replacements.replaced_call(known[owner], name)
        assert found, (owner, name)


# Imports


IMPORTS = {
    "from suprsend import Event": "from suprsend_async import Event",
    "from suprsend import (\n    Event,  # of the shop\n    Suprsend as Client,\n)": (
        "from suprsend_async import (\n    Event,  # of the shop\n    Suprsend as Client,\n)"
    ),
    "from suprsend.event import Event": "from suprsend_async import Event",
    "import suprsend\nsuprsend.Event('u', 'paid')": "import suprsend_async\nsuprsend_async.Event('u', 'paid')",
    "import os, suprsend as s\ns.Event('u', 'paid')": "import os, suprsend_async as s\ns.Event('u', 'paid')",
    "from suprsend import SuprsendAPIException\ntry: ...\nexcept SuprsendAPIException: ...": (
        "from suprsend_async import ResponseError\ntry: ...\nexcept ResponseError: ..."
    ),
    "from suprsend import Event, Workflow  # both\n": (
        "from suprsend_async import Event  # both\nfrom suprsend import Workflow\n"
    ),
    "try: import suprsend\nexcept ImportError: suprsend = None\nsuprsend.Event('u', 'paid')": (
        "try: import suprsend_async as suprsend\nexcept ImportError: suprsend = None\nsuprsend.Event('u', 'paid')"
    ),
    "try: from suprsend import SuprsendConfigError\nexcept ImportError: SuprsendConfigError = None": (
        "try: from suprsend_async import ConfigurationError as SuprsendConfigError\n"
        "except ImportError: SuprsendConfigError = None"
    ),
    "from suprsend_own import Event": "from suprsend_own import Event",
    "from .suprsend import Event": "from .suprsend import Event",
    "def f(suprsend): return suprsend.Event": "def f(suprsend): return suprsend.Event",
}


@pytest.mark.parametrize(("there", "here"), IMPORTS.items(), ids=IMPORTS)
def test_imports(there: str, here: str) -> None:
    assert code_of(there) == here


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("from suprsend import Workflow", "Workflow has no counterpart in suprsend_async; use WorkflowTriggerRequest("),
        ("import suprsend\nsuprsend.Workflow({})", "Workflow has no counterpart in suprsend_async; use "),
        ("from suprsend import *", "import by name what is used: suprsend_async has no `from suprsend import *`"),
        ("import suprsend.event", "suprsend.event has no counterpart; import what is used from suprsend_async"),
        ("from suprsend.utils import validate", "validate has no counterpart in suprsend_async"),
    ],
)
def test_an_import_without_a_counterpart_is_named_and_stays(line: str, said: str) -> None:
    ((_, found),) = left(line)
    assert found.startswith(said)
    assert code_of(line).replace("suprsend_async", "suprsend") == line


def test_an_event_that_is_needed_is_imported() -> None:
    source = '"""A shop."""\nimport suprsend\n\nclient = suprsend.Suprsend()\nclient.track("user-1", "paid")\n'
    assert code_of(source) == (
        '"""A shop."""\nimport suprsend_async\nfrom suprsend_async import Event\n\n'
        'client = suprsend_async.Suprsend()\nclient.track_event(Event("user-1", "paid"))\n'
    )


# The client


CLIENTS = {
    "Suprsend('k', 's', 'https://example.com/')": "Suprsend('k', 's', base_url='https://example.com/')",
    "Suprsend('k', 's', 'https://example.com/', True)": "Suprsend('k', 's', base_url='https://example.com/')",
    "Suprsend('k', 's', debug=False)": "Suprsend('k', 's')",
    "Suprsend('k', 's', debug=True, app_info=info)": "Suprsend('k', 's', app_info=info)",
    "Suprsend.with_workspace_api_key('uid', 'key', debug=True)": "Suprsend.with_workspace_api_key('uid', 'key')",
    "Suprsend(*arguments)": "Suprsend(*arguments)",
}


@pytest.mark.parametrize(("there", "here"), CLIENTS.items(), ids=CLIENTS)
def test_a_client_is_made_with_what_it_takes(there: str, here: str) -> None:
    assert code_of(f"from suprsend import Suprsend\nclient = {there}\n").splitlines()[1] == f"client = {here}"


def test_what_a_client_does_not_take_is_said() -> None:
    source = "from suprsend import Suprsend\nclient = Suprsend('k', 's', debug=True, is_staging=True, timeout=5)\n"
    logging = "use logging: the environment variable SUPRSEND_LOG=debug, or the logger 'suprsend_async'"
    assert notes(source) == [
        (2, CLOSE),
        (2, f"debug is left out; {logging}"),
        (2, "is_staging is left out"),
        (2, "timeout was ignored; here it is the deadline of each call"),
    ]


WAYS = {
    "an attribute": """
        class Shop:
            def __init__(self):
                self.suprsend = Suprsend()

            def find(self):
                return self.suprsend.users.list({"limit": 1})
        """,
    "a resource that is kept": """
        users = Suprsend().users
        users.list({"limit": 1})
        """,
    "a parameter with a type": """
        def find(client: Suprsend):
            return client.users.list({"limit": 1})
        """,
    "a parameter with a type in quotes": """
        def find(client: "Suprsend | None"):
            return client.users.list({"limit": 1})
        """,
    "a parameter of FastAPI": """
        def find(client: Annotated[Suprsend, Depends(client_of)]):
            return client.users.list({"limit": 1})
        """,
    "a function": """
        @cache
        def client():
            return Suprsend()

        client().users.list({"limit": 1})
        """,
    "one of two": """
        def find(client=None):
            client = client or Suprsend()
            return client.users.list({"limit": 1})
        """,
    "a walrus": """
        if (client := Suprsend()).users.list({"limit": 1}): ...
        """,
    "a fixture": """
        def client() -> Iterator[Suprsend]:
            yield Suprsend()

        for one in [client()]: client().users.list({"limit": 1})
        """,
}


@pytest.mark.parametrize("source", WAYS.values(), ids=WAYS)
def test_a_client_is_recognised_wherever_it_comes_from(source: str) -> None:
    body = "\n".join(line[8:] for line in source.splitlines())
    result = code_of(f"from suprsend import Suprsend\n{body}")
    assert "users.list(limit=1)" in result
    assert result.replace("list(limit=1)", 'list({"limit": 1})') == f"from suprsend_async import Suprsend\n{body}"


def test_a_name_that_is_two_things_is_left_alone() -> None:
    source = "client = Event('u', 'paid')\nclient.users.list({'limit': 1})\n"
    assert code_of(HEAD + source) == HEAD_HERE + source


def test_an_edit_is_sent_only_where_its_client_is_known() -> None:
    ((line, said),) = left("import suprsend\ndef send(edit: suprsend.UserEdit):\n    edit.save()\n")
    assert line == 3
    assert said.startswith("'UserEdit' object has no attribute 'save'; use client.users.async_edit(edit), or ")


# The file as it is written


LAID_OUT = """\
# -*- coding: utf-8 -*-
from suprsend   import Suprsend   # the SDK
client=Suprsend( "key",'secret' )

users = client . users.list({   # the first ones
        "limit" : 10,  # ten
        # and where to begin
    "after": after,
} )
teams = client.objects.list( "teams", {
    "limit": 5
})
if x :  client.users.list( {'limit':1} );y=2
"""


def test_formatting_and_comments_stay() -> None:
    assert (
        code_of(LAID_OUT)
        == """\
# -*- coding: utf-8 -*-
from suprsend_async   import Suprsend   # the SDK
client=Suprsend( "key",'secret' )

users = client . users.list(   # the first ones
        limit=10,  # ten
        # and where to begin
    after=after,
 )
teams = client.objects.list( "teams",
    limit=5
)
if x :  client.users.list( limit=1 );y=2
"""
    )


@pytest.mark.parametrize(
    "content",
    [
        b"from suprsend import Event\r\nx = '\xc3\xa4'\r\n",
        b"\xef\xbb\xbffrom suprsend import Event\n",
        b"# coding: latin-1\nfrom suprsend import Event\nx = '\xe4'\n",
        b"from suprsend import Event\n\x0c\nx = 1",
    ],
    ids=["CRLF", "BOM", "latin-1", "form feed, no end of line"],
)
def test_every_other_byte_stays(content: bytes) -> None:
    assert moved(content).result == content.replace(b"suprsend", b"suprsend_async")


NO_PYTHON = {
    "syntax": b"import suprsend\ndef f(:\n",
    "Python 2": b"import suprsend\nprint 'x'\n",
    "bytes": b"import suprsend\nx = '\xff'\n",
    "encoding": b"# coding: none\nimport suprsend\n",
    "ends of lines": b"import suprsend\rx = 1\r",
}


@pytest.mark.parametrize("content", NO_PYTHON.values(), ids=NO_PYTHON)
def test_what_is_no_python_is_left_alone(content: bytes) -> None:
    module = moved(content)
    assert module.problem
    assert not module.is_edited


def test_an_empty_module_stays() -> None:
    assert not moved(b"").is_edited


TEXT = "a refusal does not raise, and `str(response)` differs: test `response.success`; look for tests of the text"


@pytest.mark.parametrize(
    ("statements", "line"),
    [
        ("def f(event):\n    return client.track_event(event)\n", 5),
        ("one = client.track_event(Event('u', 'paid'))\nother = client.track_event(Event('u', 'paid'))\n", 4),
        ("bulk = client.bulk_events.new_instance()\nresponse = bulk.trigger()\n", 5),
        ("bulk = client.users.get_bulk_edit_instance()\nprint(bulk.save())\n", 5),
        ("print(client.workflows.trigger(WorkflowTriggerRequest({})))\n", 4),
        ("text = str(client.subscriber_lists.broadcast(broadcast))\n", 4),
    ],
)
def test_a_response_that_is_used_is_to_be_looked_at_once(statements: str, line: int) -> None:
    assert notes(HEAD + statements) == [(3, CLOSE), (line, TEXT)]


@pytest.mark.parametrize(
    "statements",
    [
        "client.track_event(Event('u', 'paid'))\n",
        "done = client.track_event(Event('u', 'paid'))['success']\n",
        "page = client.users.get('u')\n",
        "bulk = client.bulk_events.new_instance()\nbulk.trigger()\n",
    ],
)
def test_nothing_is_said_of_a_response_where_nobody_reads_its_text(statements: str) -> None:
    assert notes(HEAD + statements) == [(3, CLOSE)]
