"""Twilio: the messages of an account. Each page names the next by a URL."""

from typing import Self, TypedDict, Unpack

from readahead_clients.twilio.api.messages import list_messages
from readahead_clients.twilio.models import Message, MessageStatus

from readahead.endpoint import Endpoint
from readahead.filters import Choice, Condition, Fields, Text, Timestamp
from readahead.http.client import Client, ClientOptions
from readahead.http.credentials import Credential
from readahead.paging import NextURL
from readahead.query import Query
from readahead.reading import Reading
from readahead.rows import RowReader


class MessageFilters(TypedDict, total=False):
    """Keywords of ``where``."""

    to: str
    from_: str


class MessageFields(Fields):
    """What conditions are made of. Rows carry ``date_sent`` as text, so only the API can compare it."""

    to = Text(param="to", attr="to")
    from_ = Text(param="from_", attr="from_")
    date_sent = Timestamp(gt="date_sent_gt", lt="date_sent_lt")
    status = Choice(MessageStatus, attr="status")


fields = MessageFields()
MESSAGES = Endpoint(
    list_messages,
    reader=RowReader(Message.from_dict, key="sid", items="messages", next="next_page_uri"),
    paging=NextURL(size="PageSize", largest=1000),
    fields=fields,
)


class Messages(Query[Message]):
    def where(self, *conditions: Condition, **filters: Unpack[MessageFilters]) -> Self:
        return self._where(conditions, filters)


class Twilio(Client):
    def __init__(self, *, account: str, token: str, **options: Unpack[ClientOptions]) -> None:
        self._account = account
        key = Credential("token", f"{account}:{token}", "TWILIO_LOGIN", basic=True)
        super().__init__({"Authorization": key}, home="https://api.twilio.com", **options)

    @property
    def messages(self) -> Messages:
        return Messages(Reading(self._sender, MESSAGES, {"account_sid": self._account}))
