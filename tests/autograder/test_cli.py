"""The command line itself; what its verbs do is tested beside the verbs."""

import pytest
from typer.testing import CliRunner

import autograder
import convcourse
from autograder import cli
from convcourse.profile import PROFILES

pytestmark = pytest.mark.unit


def test_version_names_both_packages():
    said = CliRunner().invoke(cli.app, ["--version"])
    assert said.exit_code == 0
    expected = [f"autograder {autograder.__version__}", f"convcourse {convcourse.__version__}"]
    assert said.output.splitlines() == expected


def test_the_profiles_are_those_of_convcourse():
    assert [one.value for one in cli.Profile] == list(PROFILES)
