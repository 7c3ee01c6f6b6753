"""What a public repository has: licenses, a citation, workflows, and links that lead somewhere."""

import json
import re
import tomllib
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
# Where links and commands of people stand.
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "helpers/*.md", "autograder/*.md", ".github/**/*.md")
    for path in ROOT.glob(pattern)
)
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
NOTEBOOKS = sorted(ROOT.glob("source/*/*.ipynb")) + sorted(ROOT.glob("release/*/*.ipynb"))
LINK = re.compile(r"\]\(([^)\s]+)\)")
# A file or a folder of this repository, named in full; `NN_name` stands for an assignment.
IN_CODE = re.compile(
    r"`((?:course|source|release|helpers|autograder|tests|benchmarks|docs)/[\w./-]*)`"
)
CODE_HOSTS = re.compile(
    r"(?:github\.com|raw\.githubusercontent\.com|gitlab\.com|bitbucket\.org|codeberg\.org"
    r"|colab\.research\.google\.com/github)/([\w.-]+)"
)
PLACEHOLDERS = {"OWNER"}


def text(path: Path | str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def targets() -> set[str]:
    """The targets of the Makefile."""
    lines = re.findall(r"^([a-z][\w -]*):(?!=)", text("Makefile"), re.MULTILINE)
    return {target for line in lines for target in line.split()}


def version(package: str) -> str:
    return re.search(r'^__version__ = "(.+)"$', text(package), re.MULTILINE)[1]


def test_each_distribution_ships_the_same_license():
    license = text("LICENSE")
    assert license.splitlines()[0] == "BSD 3-Clause License"
    assert license.splitlines()[2] == "Copyright (c) 2026, The convcourse authors"
    assert text("helpers/LICENSE") == text("autograder/LICENSE") == license
    for distribution in ("helpers", "autograder"):
        project = tomllib.loads(text(f"{distribution}/pyproject.toml"))["project"]
        assert project["license"] == "BSD-3-Clause"
        assert project["license-files"] == ["LICENSE"]
        assert project["readme"] == "README.md"


def test_texts_have_a_license_of_their_own():
    assert "https://creativecommons.org/licenses/by/4.0/legalcode" in text("LICENSE-texts")
    assert "LICENSE-texts" in text("README.md")


def test_the_versions_of_packages_citation_and_changelog_agree():
    current = version("helpers/src/convcourse/__init__.py")
    assert version("autograder/src/autograder/__init__.py") == current
    assert f'\nversion: "{current}"\n' in text("CITATION.cff")
    assert re.search(r"^## \[(.+?)\]", text("CHANGELOG.md"), re.MULTILINE)[1] == current
    assert f"dist/convcourse-{current}-py3-none-any.whl" in text("README.md")


def test_the_citation_has_what_the_format_asks_for():
    lines = text("CITATION.cff").splitlines()
    keys = {line.partition(":")[0] for line in lines if line[:1].isalpha()}
    assert {"cff-version", "message", "title", "authors", "license"} <= keys


@pytest.mark.parametrize(
    "path",
    [*sorted((ROOT / ".github").glob("**/*.yml")), ROOT / ".pre-commit-config.yaml"],
    ids=named,
)
def test_a_settings_file_is_yaml(path):
    yaml = pytest.importorskip("yaml", reason="PyYAML comes with jupytext")
    assert isinstance(yaml.safe_load(text(path)), dict)


@pytest.mark.parametrize("path", [*WORKFLOWS, ROOT / ".ci" / "run", *PAGES], ids=named)
def test_every_make_target_that_is_named_exists(path):
    commands = re.findall(r"(?:^|[`\s])make ((?:PYTHON=\S+ )?[a-z][a-z-]*)", _commands(path), re.M)
    called = {command.split()[-1] for command in commands}
    assert called - targets() == set()


def _commands(path: Path) -> str:
    """A workflow's or script's lines; of a page, what is set as code."""
    if path.suffix != ".md":
        lines = text(path).splitlines()
        return "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    blocks = re.findall(r"^```.*?^```", text(path), re.MULTILINE | re.DOTALL)
    return "\n".join([*blocks, *re.findall(r"`[^`\n]+`", text(path))])


def test_ci_calls_the_targets_of_its_script():
    script = set(re.findall(r"^make ([a-z-]+)", text(".ci/run"), re.MULTILINE))
    workflow = set(re.findall(r"run: make ([a-z-]+)", text(".github/workflows/ci.yml")))
    assert script <= workflow


def test_ci_sets_the_variables_of_its_script():
    variables = set(re.findall(r"\b([A-Z][A-Z_]+)=", text(".ci/run")))
    workflow = set(re.findall(r"^ *([A-Z][A-Z_]+): ", text(".github/workflows/ci.yml"), re.M))
    assert variables <= workflow


def test_workflows_use_official_actions_by_their_major_version():
    for path in WORKFLOWS:
        used = re.findall(r"uses: (\S+)", text(path))
        assert used
        assert all(re.fullmatch(r"actions/[\w-]+@v\d+", one) for one in used)


def test_the_bug_form_lists_every_assignment():
    course = tomllib.loads(text("course/course.toml"))
    form = text(".github/ISSUE_TEMPLATE/bug.yml")
    listed = re.findall(r"^ +- (\d\d_\w+)$", form, re.MULTILINE)
    assert listed == [one["name"] for one in course["assignment"]]


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_every_link_to_a_file_leads_to_one(path):
    links = [link.partition("#")[0] for link in LINK.findall(text(path)) if ":" not in link]
    assert [link for link in links if link and not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_every_path_that_is_set_as_code_exists(path):
    paths = [name.replace("NN_name", "03_net_1") for name in IN_CODE.findall(text(path))]
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("path", [*PAGES, *NOTEBOOKS], ids=named)
def test_no_address_at_a_code_host_belongs_to_somebody_else(path):
    own = tomllib.loads(text("course/course.toml")).get("repository", "")
    allowed = PLACEHOLDERS | set(own.removeprefix("https://github.com/").split("/")[:1])
    read = _shown(path) if path.suffix == ".ipynb" else text(path)
    assert set(CODE_HOSTS.findall(read)) - allowed == set()


def _shown(notebook: Path) -> str:
    cells = json.loads(text(notebook))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells)


def test_the_readme_begins_with_two_commands_and_stays_short():
    readme = text("README.md")
    assert "make demo" in readme[:400] and "make test" in readme[:400]
    assert len(readme.splitlines()) <= 130
