"""Which test proves which capability: one line for each id of domain_ids.txt. Collects the tests, runs none.

`ZG01 proven tests/…::test_… (+n)` or `ZG01 missing`; exit status 1 if a test cannot be collected or an id is unknown.
"""

import contextlib
import io
import sys
from pathlib import Path

import pytest

IDS = Path(__file__).with_name("domain_ids.txt").read_text().split()


class Proofs:
    """A pytest plugin that gathers, for each id, the tests marked `@pytest.mark.domain(id, …)`."""

    def __init__(self) -> None:
        self.tests: dict[str, list[str]] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            if item.get_closest_marker("skip") or item.get_closest_marker("xfail"):
                continue
            # The cases of a parametrized test are one test.
            test = item.nodeid.split("[")[0]
            for mark in item.iter_markers("domain"):
                for domain_id in mark.args:
                    tests = self.tests.setdefault(domain_id, [])
                    if test not in tests:
                        tests.append(test)


def main() -> int:
    proofs = Proofs()
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        status = pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider"], plugins=[proofs])
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        print(output.getvalue(), file=sys.stderr)
        return 1

    unknown = sorted(set(proofs.tests) - set(IDS))
    for domain_id in unknown:
        print(f"Unknown id {domain_id}, in {proofs.tests[domain_id][0]}", file=sys.stderr)

    for domain_id in IDS:
        tests = proofs.tests.get(domain_id)
        if tests:
            others = f" (+{len(tests) - 1})" if len(tests) > 1 else ""
            print(f"{domain_id} proven {tests[0]}{others}")
        else:
            print(f"{domain_id} missing")
    print(f"{len(set(IDS) & set(proofs.tests))} of {len(IDS)} proven", file=sys.stderr)
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
