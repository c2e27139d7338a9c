"""Try the mutants: `python -m tests.mutants`, or some of them by their names; with `--show`, what the tests say."""

from __future__ import annotations

import argparse
import sys

from tests.mutants.mutant import ROOT, MutantError, check, read_mutants, run_tests, try_mutant


def main(arguments: list[str] | None = None) -> int:
    """Return 0 if the tests kill every mutant, 1 if they do not, and 2 if they cannot be asked."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description="Do the tests notice?")
    parser.add_argument("names", nargs="*", help="only these; all if none is named")
    parser.add_argument("--show", action="store_true", help="print what the tests say of each")
    options = parser.parse_args(arguments)
    mutants = {mutant.name: mutant for mutant in read_mutants()}
    if unknown := [name for name in options.names if name not in mutants]:
        parser.error(f"there is no mutant {', '.join(unknown)}; there are {', '.join(mutants)}")
    chosen = [mutants[name] for name in options.names] or list(mutants.values())
    try:
        check(chosen)
    except MutantError as error:
        say(str(error))
        return 2
    # A test that fails anyway kills no mutant.
    all_tests = list(dict.fromkeys(test for mutant in chosen for test in mutant.tests))
    unedited = run_tests(all_tests, ROOT / "src", limit=600.0, test_limit=120.0)
    if unedited.end != "survived":
        say(unedited.output)
        say("the tests fail without a mutant, too")
        return 2
    survivors: list[str] = []
    for mutant in chosen:
        verdict = try_mutant(mutant)
        say(f"{mutant.name:42} {verdict.end:9} {verdict.seconds:5.1f} s  {verdict.test or ''}")
        if options.show or verdict.end in ("timed out", "not run"):
            say(verdict.output)
        if verdict.end != "killed":
            survivors.append(f"{mutant.name} ({verdict.end}): {mutant.why}")
    say(f"{len(chosen) - len(survivors)} of {len(chosen)} mutants are killed")
    for survivor in survivors:
        say(f"  not {survivor}")
    return 1 if survivors else 0


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
