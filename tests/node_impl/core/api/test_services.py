from __future__ import annotations

import pytest

from node_impl.core.api.services import SERVICE, SERVICE_LIST
from node_impl.core.requests import (
    DeleteService,
    Done,
    GetService,
    ListServices,
    PutService,
    Refused,
    Service,
    ServiceKey,
    ServicePage,
    ServiceView,
)
from tests.node_impl.core.api.asking import body_of, refusal_of, rendered, shown

KEY = ServiceKey("public", "G", "web")


def test_a_service_is_created_changed_read_and_deleted_by_its_method() -> None:
    query = {"serviceName": "G@@web", "protectThreshold": "0.5", "metadata": '{"a":"b"}'}
    assert body_of("POST", SERVICE, **query) == PutService(KEY, False, 0.5, {"a": "b"})
    assert body_of("PUT", SERVICE, serviceName="web", groupName="G") == PutService(KEY, True)
    assert body_of("GET", SERVICE, serviceName="G@@web") == GetService(KEY)
    assert body_of("DELETE", SERVICE, serviceName="G@@web", selector='{"type":"none"}') == DeleteService(KEY)


def test_services_are_listed_by_pages() -> None:
    assert body_of("GET", SERVICE_LIST) == ListServices()
    query = {"pageNo": "2", "pageSize": "50", "groupName": "G", "namespaceId": "n", "consistency": "stale"}
    assert body_of("GET", SERVICE_LIST, **query) == ListServices("n", "G", 2, 50, "stale")


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"protectThreshold": "1.1"}, "protectThreshold must be a number from 0 to 1, not '1.1'"),
        ({"protectThreshold": "nan"}, "protectThreshold must be"),
        ({"selector": '{"type":"label"}'}, "selector has the type 'label'; only none is supported"),
        ({"selector": "x"}, "selector must be a JSON object"),
        ({"metadata": '{"a":1}'}, "metadata must be a JSON object of strings"),
        ({"serviceName": ""}, "parameter serviceName is missing"),
    ],
)
def test_a_bad_service_is_refused(query: dict[str, str], reason: str) -> None:
    assert reason in refusal_of("POST", SERVICE, None, **{"serviceName": "web", **query})


@pytest.mark.parametrize("query", [{"pageNo": "0"}, {"pageSize": "10001"}, {"pageSize": "all"}])
def test_a_bad_page_is_refused(query: dict[str, str]) -> None:
    assert f"{next(iter(query))} must be a number from 1 to" in refusal_of("GET", SERVICE_LIST, None, **query)


def test_replies_are_as_nacos_gives_them() -> None:
    view = ServiceView(Service(KEY, 0.5, {"a": "b"}), ("east",))
    assert shown(GetService(KEY), Done(3, view)) == {
        "namespaceId": "public", "groupName": "G", "name": "web", "protectThreshold": 0.5,
        "metadata": {"a": "b"}, "selector": {"type": "none"},
        "clusters": [{"name": "east", "healthChecker": {"type": "NONE"}, "metadata": {}}],
    }  # fmt: skip
    assert shown(ListServices(), Done(3, ServicePage(7, ("a", "b")))) == {"count": 7, "doms": ["a", "b"]}
    written = rendered(DeleteService(KEY), Done(4, Service(KEY)))
    assert (written.status, written.body, written.headers) == (200, b"ok", {"X-Raft-Index": "4"})


def test_a_service_that_is_absent_or_may_not_be_deleted_is_refused_with_an_index() -> None:
    missing = rendered(GetService(KEY), Done(3, None))
    assert (missing.status, missing.headers) == (404, {"X-Raft-Index": "3"})
    refused = rendered(DeleteService(KEY), Refused("conflict", "it has 2 instances", False, 5))
    assert (refused.status, refused.headers) == (409, {"X-Raft-Index": "5"})
