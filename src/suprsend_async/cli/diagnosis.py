"""What a look at the platform means, and what to do: pure functions over what was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from suprsend_async.transport.answer import Answer, Failure
from suprsend_async.transport.retry import REFUSED_CREDENTIALS, TOO_MANY_REQUESTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Seconds that clocks may differ before a signature is likely to be refused for it.
TOLERATED_SKEW = 60.0
# What an exception's name says about the network, and what to do; the first that fits counts.
_NETWORK = (
    ("Certificate", "the server's certificate is not trusted", "name your own authority with SSL_CERT_FILE"),
    ("SSL", "no TLS connection can be made", "check that the address begins with the right scheme, and SSL_CERT_FILE"),
    ("DNS", "the host name cannot be found", "check SUPRSEND_BASE_URL and this machine's name server"),
    ("gaierror", "the host name cannot be found", "check SUPRSEND_BASE_URL and this machine's name server"),
    ("Proxy", "the proxy lets nothing through", "check the proxy variables, or put the host into NO_PROXY"),
    ("Timeout", "no connection can be made in time", "look for a firewall, or set HTTPS_PROXY"),
    ("", "the connection failed", "check SUPRSEND_BASE_URL, firewalls and the proxy variables"),
)

# What to do where another server than the platform's has answered.
_ELSEWHERE = "check SUPRSEND_BASE_URL, and whether a proxy or a login page is in between"

Grade = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        grade: "ok", "warning" or "error".
        subject: What it is about.
        sentence: What was found.
        advice: What to do; None if there is nothing to do.
    """

    grade: Grade
    subject: str
    sentence: str
    advice: str | None = None


def of_environment(variables: Mapping[str, str], command: str) -> Finding:
    """Say where the credentials come from, by the names of the variables; never a value.

    Args:
        variables: The environment.
        command: What starts this command in the user's shell, for the advice.
    """
    key, secret = variables.get("SUPRSEND_WORKSPACE_KEY"), variables.get("SUPRSEND_WORKSPACE_SECRET")
    if key or secret:
        missing = "SUPRSEND_WORKSPACE_SECRET" if key else "SUPRSEND_WORKSPACE_KEY"
        if not (key and secret):
            return Finding("error", "environment", f"{missing} is not set", "set it; the dashboard shows both")
        return Finding("ok", "environment", "SUPRSEND_WORKSPACE_KEY and SUPRSEND_WORKSPACE_SECRET are set")
    if variables.get("SUPRSEND_WORKSPACE_UID") and variables.get("SUPRSEND_API_KEY"):
        return Finding("ok", "environment", "SUPRSEND_WORKSPACE_UID and SUPRSEND_API_KEY are set")
    return Finding(
        "error",
        "environment",
        "no credentials are set",
        "set SUPRSEND_WORKSPACE_KEY and SUPRSEND_WORKSPACE_SECRET; without an account, "
        f"`{command} sandbox` prints some to try",
    )


def of_reach(result: Answer | Failure, url: str, seconds: float) -> Finding:
    """Say whether the platform can be reached."""
    if isinstance(result, Answer):
        if 300 <= result.status_code < 400:
            return Finding("error", "network", result.message(), "set SUPRSEND_BASE_URL to where it points")
        return Finding("ok", "network", f"{url} answered in {seconds * 1000:.0f} ms")
    _, problem, advice = next(line for line in _NETWORK if line[0] in result.message.partition(":")[0])
    return Finding("error", "network", f"{url}: {problem} ({result.message})", advice)


def of_clock(answer: Answer, now: float) -> Finding:
    """Say how far this machine's clock is from the server's; `now` is this machine's time at the answer."""
    if answer.server_time is None:
        return Finding("warning", "clock", "the answer has no Date, so that the clocks cannot be compared")
    skew = now - answer.server_time
    words = f"this machine's clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} the server's"
    if abs(skew) > TOLERATED_SKEW:
        advice = "set it, by NTP for instance; the client signs by the server's clock until then"
        return Finding("warning", "clock", words, advice)
    return Finding("ok", "clock", words)


def of_credentials(answer: Answer) -> Finding | None:
    """Say whether the credentials were taken; None if the answer does not show it."""
    if answer.status_code in REFUSED_CREDENTIALS:
        return Finding(
            "error",
            "credentials",
            f"refused with {answer.status_code}: {answer.message()}",
            "copy key and secret again from the dashboard, both of the same workspace",
        )
    if answer.status_code in (404, 405, 501):  # a path that the server does not know
        return None
    if answer.status_code == TOO_MANY_REQUESTS or answer.status_code >= 500:
        return Finding("warning", "credentials", f"not decided: {answer.message()}", "try again later")
    if not answer.mapping:
        return Finding(
            "error",
            "credentials",
            f"not decided: the answer ({answer.status_code}) is not the platform's JSON; another server gave it",
            _ELSEWHERE,
        )
    # Anything else was answered behind the look at the signature.
    return Finding("ok", "credentials", "accepted")


def of_unknown_paths(answers: Sequence[Answer]) -> Finding:
    """Say what it means that the server knows none of the paths that were asked for."""
    if any(answer.mapping for answer in answers):
        return Finding("warning", "credentials", "not decided: this server has neither tenants nor events")
    words = " and ".join(dict.fromkeys(answer.what_came() for answer in answers))
    return Finding("error", "credentials", f"not decided: {words}", _ELSEWHERE)
