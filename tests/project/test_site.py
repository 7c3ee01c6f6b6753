"""The course's site as it is built: its pages, links and formulas, no other host, WCAG 2.1 AA."""

import importlib
import json
import re
import shutil
import sys
import tomllib
from pathlib import Path

import browser as chromium
import mistune
import pytest

from autograder.course import load

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "website"))
for needed in ("mkdocs", "material", "latex2mathml"):
    pytest.importorskip(needed, reason="make site installs what the site needs")
build = importlib.import_module("build")
COURSE = load(ROOT)
NOTEBOOKS = [f"notebooks/{name}.html" for name in COURSE.names]
GUIDES = ["students", "instructors", "authors", "maintainers"]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site of a copy of the course, so that site/ stays as it is."""
    root = tmp_path_factory.mktemp("course")
    for folder in ("course", "release", "docs"):
        shutil.copytree(ROOT / folder, root / folder)
    for file in ("mkdocs.yml", "CONTRIBUTING.md"):
        shutil.copy(ROOT / file, root)
    build.build(load(root), root / "site")
    return root / "site"


def test_every_notebook_and_guide_is_a_page(site):
    wanted = [*NOTEBOOKS, *(f"guides/{name}.html" for name in GUIDES), "syllabus.html"]
    assert [path for path in wanted if not (site / path).is_file()] == []


def test_every_page_of_the_documentation_is_in_the_list_of_contents(site):
    shown = (site / "grading.html").read_text(encoding="utf-8")
    listed = {Path(link).name for link in re.findall(r'href="([\w./-]+\.html)"', shown)}
    assert {path.with_suffix(".html").name for path in ROOT.glob("docs/*.md")} - listed == set()


def test_no_page_takes_the_root_of_its_host_for_the_site(site):
    pages = {path: path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    assert [path.name for path, page in pages.items() if re.search(r'(href|src)="/', page)] == []


def test_the_syllabus_says_what_course_toml_says(site):
    page = (site / "syllabus.html").read_text(encoding="utf-8")
    table = tomllib.loads((ROOT / "course" / "course.toml").read_text(encoding="utf-8"))
    for one in table["assignment"]:
        assert one["title"] in page
        for key in one.get("thresholds", {}):
            assert key in page


def test_a_notebook_can_be_downloaded_and_has_no_answers(site):
    copy = site / "notebooks" / "03_net_1.ipynb"
    assert copy.read_bytes() == COURSE.release_path("03_net_1").read_bytes()
    page = (site / "notebooks" / "03_net_1.html").read_text(encoding="utf-8")
    assert 'href="03_net_1.ipynb"' in page and "not attempted yet" in page


@pytest.mark.parametrize("name", COURSE.names)
def test_a_notebook_reads_as_in_jupyter(site, name):
    """MkDocs's dialect of Markdown makes the same headings, lists, tables and emphasis."""
    content = json.loads(COURSE.release_path(name).read_text(encoding="utf-8"))
    text = "\n\n".join(
        "".join(c["source"]) for c in content["cells"] if c["cell_type"] == "markdown"
    )
    jupyter = str(mistune.create_markdown(plugins=["table", "math"])(text))
    page = (site / "notebooks" / f"{name}.html").read_text(encoding="utf-8")
    shown = page.partition("<article")[2].partition("</article>")[0]
    for tag in ("li", "tr", "strong", "em", "h2", "h3"):
        assert len(re.findall(rf"<{tag}[ >]", shown)) == len(re.findall(rf"<{tag}[ >]", jupyter)), (
            tag
        )


def test_no_formula_is_left_as_tex(site):
    for path in NOTEBOOKS:
        page = (site / path).read_text(encoding="utf-8")
        assert "arithmatex" not in page and r"\frac" not in re.sub(
            r"<pre.*?</pre>", "", page, flags=re.S
        )


def test_a_link_that_leads_nowhere_ends_the_build(tmp_path):
    for folder in ("course", "release", "docs"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    for file in ("mkdocs.yml", "CONTRIBUTING.md"):
        shutil.copy(ROOT / file, tmp_path)
    with (tmp_path / "docs" / "index.md").open("a", encoding="utf-8") as page:
        page.write("\n[nowhere](nowhere.md)\n")
    with pytest.raises(build.SiteError, match=r"nowhere\.md"):
        build.build(load(tmp_path), tmp_path / "site")


@pytest.fixture(scope="module")
def shown():
    with chromium.started() as program:
        yield program


def of_site() -> list[str]:
    """The kinds of pages: each guide, the generated pages, and the longest of the reference."""
    kinds = ["index", "syllabus", "contributing", "architecture", "grading", "marks", "authoring"]
    kinds += [f"guides/{name}" for name in GUIDES]
    kinds += [f"notebooks/{name}" for name in COURSE.names[:5]]
    return [f"{kind}.html" for kind in kinds]


@chromium.needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", of_site())
def test_axe_finds_nothing_wrong_with_a_page(site, shown, path, scheme):
    with shown.opened(site / path, color_scheme=scheme) as page:
        page.wait_for_timeout(300)
        assert chromium.violations(page) == []


@chromium.needs_browser
def test_no_page_asks_another_host_for_anything(site, shown):
    with shown.opened(site / "index.html") as page:
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        for path in sorted(site.rglob("*.html")):
            page.goto(path.as_uri())
        page.wait_for_timeout(300)
    assert len(asked) > 100
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


@chromium.needs_browser
def test_the_search_works_from_a_disk(site, shown):
    with shown.opened(site / "index.html") as page:
        page.get_by_role("textbox", name="Search").fill("discrimination")
        page.wait_for_selector(".md-search-result__link", timeout=20_000)
        assert "grading.html" in page.locator(".md-search-result__link").first.get_attribute("href")
