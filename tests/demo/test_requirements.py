"""What the demo installs beforehand follows from the installed Home Assistant alone."""

from demo import requirements


def test_dependencies_of_dependencies_count() -> None:
    found = requirements.with_dependencies(["frontend"])
    assert {"frontend", "http", "config", "onboarding"} <= found


def test_the_bluetooth_stack_comes_in_home_assistants_own_versions() -> None:
    wanted = set(requirements.requirements(requirements.default_domains()))
    assert set(requirements.manifest("bluetooth")["requirements"]) <= wanted


def test_what_nothing_asks_for_is_not_installed() -> None:
    assert "zeroconf" not in requirements.default_domains()


def test_a_requirement_is_listed_once() -> None:
    wanted = list(requirements.requirements(["frontend", "frontend", "bluetooth"]))
    assert wanted == sorted(set(wanted))


def test_what_is_imported_without_being_a_dependency_counts() -> None:
    assert set(requirements.manifest("hassio")["requirements"]) <= set(requirements.requirements(requirements.default_domains()))
