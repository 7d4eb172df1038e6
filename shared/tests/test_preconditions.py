import pytest

from shared.errors import PreconditionRequired, StaleVersion
from shared.http.preconditions import check_match, etag, matching_versions, require_match


@pytest.mark.parametrize("if_match", ['"3"', '"2", "3"', '"3","4"', '"other", "3"', "*", " * "])
def test_any_listed_tag_may_match(if_match: str) -> None:
    require_match(if_match, 3)
    check_match(if_match, 3)


@pytest.mark.parametrize("if_match", ['"2"', '"2", "4"', 'W/"3"', "3", '"03"', '"3', '""', "", "**", '"³"', "nonsense"])
def test_another_tag_is_stale(if_match: str) -> None:
    with pytest.raises(StaleVersion):
        check_match(if_match, 3)
    with pytest.raises(StaleVersion):
        require_match(if_match, 3)


def test_if_match_can_be_required() -> None:
    check_match(None, 3)
    with pytest.raises(PreconditionRequired):
        require_match(None, 3)


@pytest.mark.parametrize(
    ("if_match", "versions"),
    [(None, None), ("*", None), ('"1"', [1]), ('"1", W/"2", "x", "3"', [1, 3]), ('"99999999999"', [])],
)
def test_versions_are_listed_for_a_statement(if_match: str | None, versions: list[int] | None) -> None:
    assert matching_versions(if_match) == versions


def test_a_tag_that_is_no_version_is_stale_at_once() -> None:
    with pytest.raises(StaleVersion):
        matching_versions('W/"1", "x"')


def test_a_versions_tag_matches_it() -> None:
    assert etag(7) == '"7"'
    check_match(etag(7), 7)
