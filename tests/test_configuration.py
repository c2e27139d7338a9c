"""What a client is configured with: arguments, the environment, and what it says about values that cannot work."""

from __future__ import annotations

import json
import platform
import re
import warnings
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from suprsend_async import AsyncSuprsend, ConfigurationError, Suprsend, __version__
from suprsend_async.configuration import request_headers, resolve_credentials
from suprsend_async.transport.authentication import ApiKey, WorkspaceSecret

if TYPE_CHECKING:
    from collections.abc import Callable

CLIENTS = [AsyncSuprsend, Suprsend]

ENVIRONMENT = {
    "SUPRSEND_WORKSPACE_KEY": "environment-key",
    "SUPRSEND_WORKSPACE_SECRET": "environment-secret",
    "SUPRSEND_WORKSPACE_UID": "environment-uid",
    "SUPRSEND_API_KEY": "environment-api-key",
}

SIGNED = WorkspaceSecret("environment-key", "environment-secret")
BEARER = ApiKey("environment-uid", "environment-api-key")


@pytest.fixture
def set_variables(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Set the variables whose short names are given: "key", "secret", "uid", "api"."""
    names = dict(zip(("key", "secret", "uid", "api"), ENVIRONMENT, strict=True))

    def apply(chosen: str) -> None:
        for short in chosen.split():
            monkeypatch.setenv(names[short], ENVIRONMENT[names[short]])

    return apply


@pytest.mark.parametrize(
    ("chosen", "arguments", "expected"),
    [
        ("key secret", (None, None), SIGNED),
        ("uid api", (None, None), BEARER),
        ("key secret uid api", (None, None), SIGNED),
        ("key secret", ("", ""), SIGNED),
        ("key secret", ("k", None), WorkspaceSecret("k", "environment-secret")),
        ("key secret", (None, "s"), WorkspaceSecret("environment-key", "s")),
        ("key secret uid api", ("k", "s"), WorkspaceSecret("k", "s")),
        ("", ("k", "s"), WorkspaceSecret("k", "s")),
        ("", (" k ", "s\n"), WorkspaceSecret("k", "s")),
    ],
)
def test_credentials_come_from_arguments_then_from_the_environment(
    set_variables: Callable[[str], None], chosen: str, arguments: tuple[str | None, str | None], expected: object
) -> None:
    set_variables(chosen)
    assert resolve_credentials(*arguments) == expected


@pytest.mark.parametrize(
    ("chosen", "arguments", "named"),
    [
        ("", (None, None), list(ENVIRONMENT)),
        ("uid", (None, None), list(ENVIRONMENT)),
        ("api", (None, None), list(ENVIRONMENT)),
        ("key", (None, None), ["workspace_secret", "SUPRSEND_WORKSPACE_SECRET"]),
        ("secret", (None, None), ["workspace_key", "SUPRSEND_WORKSPACE_KEY"]),
        ("", ("k", None), ["workspace_secret", "SUPRSEND_WORKSPACE_SECRET"]),
        ("uid api", (None, "s"), ["workspace_key", "SUPRSEND_WORKSPACE_KEY"]),
        ("", ("k", "  "), ["workspace_secret", "SUPRSEND_WORKSPACE_SECRET"]),
        ("", (5, "s"), ["workspace_key", "int"]),
        ("", ("k", b"s"), ["workspace_secret", "bytes"]),
        ("", ("k", "s\ns"), ["workspace_secret", "line break"]),
        ("", ("k\r\nX-Header: 1", "s"), ["workspace_key", "line break"]),
        ("", ("k", "sécret"), ["workspace_secret", "ASCII"]),
        ("", ("k\x00", "s"), ["workspace_key", "printable"]),
    ],
)
@pytest.mark.parametrize("cls", CLIENTS)
def test_what_is_missing_or_wrong_is_named(
    set_variables: Callable[[str], None], cls: type, chosen: str, arguments: tuple[Any, Any], named: list[str]
) -> None:
    set_variables(chosen)
    with pytest.raises(ConfigurationError) as caught:
        cls(*arguments)
    assert all(name in str(caught.value) for name in named)
    assert "sécret" not in str(caught.value)


@pytest.mark.parametrize("cls", CLIENTS)
@pytest.mark.parametrize(
    ("arguments", "variable"),
    [
        ((None, "a"), "SUPRSEND_WORKSPACE_UID"),
        (("", "a"), "SUPRSEND_WORKSPACE_UID"),
        (("u", None), "SUPRSEND_API_KEY"),
        (("u", "a\nb"), "SUPRSEND_API_KEY"),
    ],
)
def test_an_api_key_that_is_missing_or_wrong_is_named(cls: type, arguments: tuple[Any, Any], variable: str) -> None:
    with pytest.raises(ConfigurationError, match=variable):
        cls.with_workspace_api_key(*arguments)


@pytest.mark.parametrize("arguments", [(None, None), ("u", None), (None, "a")])
def test_the_variables_that_the_api_keys_error_names_do_help(
    set_variables: Callable[[str], None], arguments: tuple[str | None, str | None]
) -> None:
    set_variables("uid api")
    client = AsyncSuprsend.with_workspace_api_key(*arguments)
    expected = ApiKey(arguments[0] or "environment-uid", arguments[1] or "environment-api-key")
    assert client.sender.transport.session.credentials == expected


@pytest.mark.parametrize("short", ["u", "sample-uid-15ch", "w" * 40])
def test_a_workspace_uid_may_have_any_length(short: str) -> None:
    assert AsyncSuprsend.with_workspace_api_key(short, "a").sender.transport.session.credentials.workspace == short


@pytest.mark.parametrize(
    ("argument", "variable", "expected"),
    [
        (None, None, "https://hub.suprsend.com/"),
        (None, "", "https://hub.suprsend.com/"),
        (None, "https://proxy.example.com/suprsend", "https://proxy.example.com/suprsend/"),
        ("https://a.example.com", "https://b.example.com", "https://a.example.com/"),
    ],
)
def test_where_requests_go(
    monkeypatch: pytest.MonkeyPatch, argument: str | None, variable: str | None, expected: str
) -> None:
    if variable is not None:
        monkeypatch.setenv("SUPRSEND_BASE_URL", variable)
    assert repr(AsyncSuprsend("k", "s", base_url=argument)) == f"AsyncSuprsend({expected!r})"


@pytest.mark.parametrize("cls", CLIENTS)
@pytest.mark.parametrize("bad", ["", "hub.suprsend.com", 5, b"https://hub.suprsend.com"])
def test_a_base_url_that_is_none_is_refused(cls: type, bad: Any) -> None:
    with pytest.raises(ConfigurationError, match="base_url"):
        cls("k", "s", base_url=bad)


@pytest.mark.parametrize("make", [*CLIENTS, *(cls.with_workspace_api_key for cls in CLIENTS)])
def test_plain_http_warns_at_the_callers_line(make: Callable[..., object]) -> None:
    with pytest.warns(UserWarning, match=r"plain http to events\.example\.com") as caught:
        make("k", "s", base_url="http://events.example.com/")
    assert [warning.filename for warning in caught] == [__file__]


@pytest.mark.parametrize(
    "base_url", ["https://events.example.com", "http://localhost:8080", "http://127.0.0.1", "http://[::1]:9"]
)
def test_https_and_this_machine_do_not_warn(base_url: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        AsyncSuprsend("k", "s", base_url=base_url)


@pytest.mark.parametrize("cls", CLIENTS)
@pytest.mark.parametrize(
    ("option", "bad"),
    [
        *(("timeout", bad) for bad in (0, -1, float("nan"), float("inf"), "30", None, True)),
        *(("max_retries", bad) for bad in (-1, 1.5, "4", True)),
        *(
            (option, bad)
            for option in ("max_connections", "concurrency", "max_event_bytes")
            for bad in (0, -1, 1.5, "4", None, True)
        ),
    ],
)
def test_a_number_that_cannot_work_is_named(cls: type, option: str, bad: object) -> None:
    with pytest.raises(ConfigurationError, match=option):
        cls("k", "s", **{option: bad})


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": 0.001},
        {"timeout": 5},
        {"max_retries": 0},
        {"max_connections": 1},
        {"concurrency": 1},
        {"max_event_bytes": 1},
    ],
)
def test_the_least_that_works(options: dict[str, float]) -> None:
    AsyncSuprsend("k", "s", **options)


def test_the_headers_tell_who_is_calling() -> None:
    headers = request_headers({"name": "shop", "version": "1.2"})
    system = platform.system().lower()
    agent = f"suprsend-async/{__version__} (python/{platform.python_version()}; {system}) (shop/1.2)"
    assert headers["User-Agent"] == agent
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert json.loads(headers["X-Suprsend-Client-User-Agent"]) == {
        "sdk": "suprsend-async",
        "sdk_version": __version__,
        "lang": "python",
        "lang_version": platform.python_version(),
        "platform": "server",
        "os": system,
        "os_version": platform.release().lower(),
        "app_info": {"name": "shop", "version": "1.2"},
    }


@pytest.mark.parametrize(
    ("app_info", "end"),
    [(None, r"; \w+\)"), ({"name": "shop"}, r"\) \(shop\)"), ({"name": "shop", "version": ""}, r"\) \(shop\)")],
)
def test_the_applications_name_is_optional(app_info: dict[str, str] | None, end: str) -> None:
    assert re.search(end + "$", request_headers(app_info)["User-Agent"])


@pytest.mark.parametrize(
    "bad",
    [
        {},
        {"version": "1"},
        {"name": ""},
        {"name": 5},
        {"name": "shöp"},
        {"name": "shop\nX: 1"},
        {"name": "shop", "version": "1\r\n"},
        {"name": "shop", "version": 1},
        {"name": "shop", "made_by": object()},
        "shop",
        5,
    ],
)
def test_app_info_that_a_header_cannot_carry_is_named(bad: Any) -> None:
    with pytest.raises(ConfigurationError, match="app_info"):
        AsyncSuprsend("k", "s", app_info=bad)


@pytest.mark.parametrize("cls", CLIENTS)
@pytest.mark.parametrize("bad", ["client", httpx.AsyncClient, httpx.Client()], ids=["text", "class", "blocking"])
def test_an_http_client_of_another_kind_is_named(cls: type, bad: Any) -> None:
    # A blocking client would send the event, fail to be awaited, and send it again with every retry.
    with pytest.raises(ConfigurationError, match="http_client"):
        cls("k", "s", http_client=bad)
