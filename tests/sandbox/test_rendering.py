"""Templates: what is missing is seen, and whatever a template does, a message has its text or a reason."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from suprsend_async.sandbox.delivery import templates
from suprsend_async.sandbox.delivery.rendering import Rendering

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.extras("sandbox")

ABOUT = {"data": {"order": 41, "lines": [{"sku": "a"}], "nothing": None}, "recipient": {"name": "Ada"}}


@pytest.fixture(scope="module")
def rendering() -> Iterator[Rendering]:
    made = Rendering(0.5)
    yield made
    made.close()


def render(rendering: Rendering, text: str) -> dict[str, Any]:
    (found,) = rendering.render("w", {"sms": {"body": text}}, [("sms", ABOUT)])
    return found


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Order {{ data.order }}", "Order 41"),
        ("{{ data.lines[0].sku }}{% for each in data.lines %} {{ each.sku }}{% endfor %}", "a a"),
        ("{{ data['order'] }} {{ data.get('order') }}", "41 41"),
        ("{% for key, value in data.items() %}{{ key }} {% endfor %}", "order lines nothing "),
        ("<b>{{ recipient.name }}</b> & co", "<b>Ada</b> & co"),
        ("{{ data.nothing }}", "None"),
        # What is missing is named by its path.
        ("{{ data.orders }}", "[missing: data.orders]"),
        ("{{ data.lines[0].price.net }}", "[missing: data.lines[0].price.net]"),
        ("{{ actor.name }}", "[missing: actor.name]"),
        ("{{ data['items'] }} {{ data.items }}", "[missing: data.items] [missing: data.items]"),
        ("{{ data.orders | default('none') }}{% if data.orders %}yes{% endif %}", "none"),
    ],
)
def test_what_is_shown(rendering: Rendering, text: str, shown: str) -> None:
    assert render(rendering, text) == {"content": {"body": shown}}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{ data.total * 2 }}", "body: 'data.total' is undefined (UndefinedError)"),
        ("{{ 1 / 0 }}", "body: division by zero (ZeroDivisionError)"),
        ("{{ data.update({}) }}", "body: 'data.update' is undefined (UndefinedError)"),
        ("{{ data.lines.append(1) }}", "body: "),
        ("{% include 'other' %}", "body: no loader"),
        ("{{ range(999999999) | list }}", "body: "),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "body: it refers to itself without end"),
        ("{{ 'a' * 300000 }}", "body: the text has more than 200,000 characters"),
    ],
)
def test_a_template_that_fails_says_why(rendering: Rendering, text: str, reason: str) -> None:
    assert render(rendering, text)["error"].startswith(reason)


def test_it_reaches_nothing_of_python(rendering: Rendering) -> None:
    found = render(rendering, "{{ ''.__class__.__mro__[1].__subclasses__() }}")
    assert "error" in found or "[missing: " in found["content"]["body"]


def test_what_takes_for_ever_is_cut_off_alone(rendering: Rendering) -> None:
    loop = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    text = "{% if data.slow %}" + loop + "{% endif %}done"
    abouts: list[dict[str, Any]] = [{"data": {"slow": slow}} for slow in (False, True, False)]
    found = rendering.render("w", {"sms": {"body": text}}, [("sms", about) for about in abouts])
    done = {"content": {"body": "done"}}
    assert found == [done, {"error": "rendering took longer than 0.5 s"}, done]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems bound no memory")
def test_what_takes_all_memory_is_cut_off(rendering: Rendering) -> None:
    assert render(rendering, "{{ 'a' * 9999999999 }}") == {"error": "body: it takes too much memory"}


def test_what_is_no_template_is_refused_with_its_place(rendering: Rendering) -> None:
    texts = {"email": {"subject": "fine", "body": "first\n{{ broken"}}
    assert (rendering.problem("w", texts) or "").startswith("email.body, line 2: ")
    assert rendering.problem("w", {"email": {"body": "fine"}}) is None


def test_without_jinja2_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [path for path in sys.path if "site-packages" not in path])
    rendering = Rendering()
    assert rendering.problem("w", {}) == "cannot be used without jinja2: pip install 'suprsend-async[sandbox]'"
    rendering.close()


def test_the_program_imports_nothing_of_this_package() -> None:
    code = (
        "import runpy, sys\n"
        f"runpy.run_path({templates.__file__!r})\n"
        "assert not [name for name in sys.modules if name.startswith(('suprsend', 'jinja2'))]\n"
    )
    subprocess.run([sys.executable, "-P", "-c", code], check=True)
