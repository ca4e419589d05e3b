"""What is recognised of an API, in the words of its document: names as they are on the wire. Pure data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

StyleName = Literal["numbered", "offset", "cursor", "url", "last-id"]


@dataclass(frozen=True)
class Doubt:
    """Something that the document does not decide.

    Attributes:
        subject: What it is about: an operation, or a part of one.
        why: Why it could not be decided.
        look: What to look at, or what to do.
    """

    subject: str
    why: str
    look: str = ""

    def __str__(self) -> str:
        return f"{self.subject}: {self.why}" + (f"; {self.look}" if self.look else "")


@dataclass(frozen=True)
class Paging:
    """How pages follow each other.

    Attributes:
        style: Its name in `apis.toml`.
        param: The parameter with the position; None for URLs.
        size: The parameter with the number of rows in a page, if there is one.
        largest: The most that it takes.
        first: The number of the first page.
        where: Whether they stand in the query or in the body, where their names are paths.
    """

    style: StyleName
    param: str | None = None
    size: str | None = None
    largest: int = 100
    first: int = 1
    where: Literal["query", "body"] = "query"


@dataclass(frozen=True)
class Envelope:
    """Where things stand in an answer, as paths.

    Attributes:
        items: The rows; None: the answer is the array itself.
        total: The number of rows in the whole list.
        total_header: The header that says so.
        next: The next cursor or URL; "Link": the header of that name.
        more: The flag that says whether there is more; "Link": the header of that name.
        is_last: Whether the flag says the opposite.
        nullable: Whether the array may be null.
        optional: Whether the document lets the array be absent.
    """

    items: str | None
    total: str | None = None
    total_header: str | None = None
    next: str | None = None
    more: str | None = None
    is_last: bool = False
    nullable: bool = False
    optional: bool = False


@dataclass(frozen=True)
class Condition:
    """What rows can be filtered by.

    Attributes:
        name: What it is called in `where`.
        kind: The class of the field.
        params: Parameters by what they ask for: "param" is equality, and "ge", "gt", "le", "lt" are bounds.
        attr: The member of a row that carries the value.
        many: Whether the parameter takes several values.
        choices: Its values, where they are listed.
        unseen: Values that the API takes and rows never carry.
        every: The one of these that brings all rows, where the parameter brings only some by default.
    """

    name: str
    kind: str
    params: Mapping[str, str] = field(default_factory=dict)
    attr: str | None = None
    many: bool = False
    choices: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    every: str | None = None


@dataclass(frozen=True)
class Order:
    """How a list is sorted.

    Attributes:
        param: The parameter.
        names: What it can be sorted by.
        descending: How the opposite order of a name is written, such as `-{name}`.
        direction: The parameter, and its values for the two directions.
    """

    param: str
    names: tuple[str, ...]
    descending: str | None = None
    direction: tuple[str, str, str] | None = None
    several: bool = False


@dataclass(frozen=True)
class Fixed:
    """An argument that a listing cannot do without, such as a part of its path.

    Attributes:
        place: Where it is sent: "path", "query", "header" or "body".
        name: Its name there.
        type: Of a member of the body, its type in Python.
    """

    place: str
    name: str
    type: str = ""


@dataclass(frozen=True)
class Listing:
    """One list endpoint.

    Attributes:
        operation: Method and path.
        name: What the list is called.
        paging: How pages follow each other.
        envelope: Where things stand in an answer.
        key: The member that tells rows apart.
        fixed: Arguments that every request of it needs.
        conditions: What rows can be filtered by.
        order: How it is sorted, if the document says.
        doubts: What the document does not decide.
    """

    operation: str
    name: str
    paging: Paging
    envelope: Envelope
    key: str
    fixed: tuple[Fixed, ...] = ()
    conditions: tuple[Condition, ...] = ()
    order: Order | None = None
    doubts: tuple[Doubt, ...] = ()


@dataclass(frozen=True)
class CredentialFact:
    """What says who asks.

    Attributes:
        name: The argument of the client.
        place: Where it is sent: "header" or "query".
        wire: The name of the header or parameter.
        prefix: What stands before it there.
        is_basic: Whether it is a name and a password.
    """

    name: str
    place: str
    wire: str
    prefix: str = ""
    is_basic: bool = False


@dataclass(frozen=True)
class Access:
    """How an API is reached: its URL, and what says who asks."""

    base_url: str | None
    credentials: tuple[CredentialFact, ...]
    doubts: tuple[Doubt, ...] = ()


@dataclass
class Recognition:
    """What is recognised of a document.

    Attributes:
        listings: The lists that a binding can declare.
        undecided: Operations that look like lists with pages, and why they are not declared.
        whole: Operations whose answer is a whole list without pages: there is nothing to read ahead.
        access: How the API is reached.
    """

    listings: list[Listing] = field(default_factory=list)
    undecided: list[Doubt] = field(default_factory=list)
    whole: list[str] = field(default_factory=list)
    access: Access = field(default_factory=lambda: Access(None, ()))
