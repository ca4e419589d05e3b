"""GitHub: the issues of a repository. Numbered pages; a Link header says whether more follow."""

from typing import Self, TypedDict, Unpack

from readahead_clients.github.api.issues import list_issues
from readahead_clients.github.models import Issue, ListIssuesState

from readahead.endpoint import Endpoint
from readahead.filters import Choice, Condition, Fields, Number, Relation, Text, Timestamp
from readahead.http.client import Client, ClientOptions
from readahead.http.credentials import Credential, CredentialSource
from readahead.http.quota import GITHUB
from readahead.locations import LinkHeader
from readahead.order import Direction, OrderBy
from readahead.paging import PageNumber
from readahead.query import Query
from readahead.reading import Reading
from readahead.rows import RowReader


class IssueFilters(TypedDict, total=False):
    """Keywords of ``where``. ``labels`` are joined by commas: an issue has all of them."""

    state: ListIssuesState | str
    creator: str
    labels: str


class IssueFields(Fields):
    """What conditions are made of. Without a state the API lists open issues, so ``all`` is sent where rows decide."""

    state = Choice(ListIssuesState, param="state", attr="state", every="all")
    creator, labels = Relation(param="creator"), Relation(param="labels")
    updated_at = Timestamp(attr="updated_at", ge="since")
    created_at = Timestamp(attr="created_at")
    title, comments = Text(attr="title"), Number(attr="comments")


fields = IssueFields()
ISSUES = Endpoint(
    list_issues,
    reader=RowReader(Issue.from_dict, key="id", items=None, more=LinkHeader()),
    paging=PageNumber(page="page", size="per_page", largest=100),
    fields=fields,
    order=OrderBy(("created", "updated", "comments"), param="sort", descending=Direction(), several=False),
)


class Issues(Query[Issue]):
    def where(self, *conditions: Condition, **filters: Unpack[IssueFilters]) -> Self:
        return self._where(conditions, filters)


class GitHub(Client):
    def __init__(self, *, token: CredentialSource | None = None, **options: Unpack[ClientOptions]) -> None:
        key = Credential("token", token, "GITHUB_TOKEN", prefix="Bearer ")
        super().__init__({"Authorization": key}, home="https://api.github.com", quota=GITHUB, **options)

    def issues(self, owner: str, repo: str) -> Issues:
        return Issues(Reading(self._sender, ISSUES, {"owner": owner, "repo": repo}))
