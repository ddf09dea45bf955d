"""What a run says of its own time."""

from tests.seconds import BUDGET, Seconds


def _spent(**seconds: float) -> list[str]:
    spent = Seconds()
    for name, one in seconds.items():
        spent.files[f"tests/access/{name}.py"] += one
        spent.folders["tests/access"] += one
        spent.tests[f"tests/access/{name}.py::test_{name}"] += one
    return spent.lines()


def test_a_folder_and_a_run_over_their_budget_say_how_many_times() -> None:
    lines = _spent(one=3.0 * BUDGET["tests/access"])
    assert lines[0].endswith(f"tests/access  of {BUDGET['tests/access']} s: 3.0 times its budget")
    assert lines[1].endswith(f"in all  of {BUDGET['tests/access']} s: 3.0 times its budget")


def test_within_the_budget_there_is_no_more_than_the_figure() -> None:
    assert _spent(one=1.0)[0] == f"     1.0 s  tests/access  of {BUDGET['tests/access']} s"


def test_the_dearest_files_are_named_with_all_their_tests() -> None:
    lines = _spent(cheap=1.0, dear=5.0)
    at = next(number for number, line in enumerate(lines) if "dearest files" in line)
    assert lines[at + 1 : at + 3] == ["     5.0 s  tests/access/dear.py", "     1.0 s  tests/access/cheap.py"]
