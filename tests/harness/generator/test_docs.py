import doctest

from tests import REPOSITORY

DOCS = REPOSITORY / "docs"


def test_every_example_of_the_page_on_generators_does_what_it_shows() -> None:
    result = doctest.testfile(str(DOCS / "generators.md"), module_relative=False)
    assert result.attempted > 10
    assert result.failed == 0


def test_the_example_of_draws_does_what_it_shows() -> None:
    from harness.generator import draw

    result = doctest.testmod(draw)
    assert (result.attempted > 0, result.failed) == (True, 0)
