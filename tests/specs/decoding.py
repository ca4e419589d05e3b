"""Reads requests back, written from the OpenAPI specification alone: the other end of what generated functions send.

Every value is read twice: by a server that splits at delimiters and then decodes, as RFC 6570 has it, and by one that
decodes first, as most frameworks do. Both must read the same.
"""

import asyncio
import datetime as dt
import email
import email.policy
import json
import uuid
from urllib.parse import unquote, unquote_plus

import httpx

SCALARS = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": {"true": True, "false": False}.__getitem__,
    "date": dt.date.fromisoformat,
    "date-time": dt.datetime.fromisoformat,
    "uuid": uuid.UUID,
}


def scalar(schema, text):
    """A text as the schema says; objects and lists inside others are JSON."""
    if schema["type"] in {"object", "array"}:
        return from_json(schema, json.loads(text))
    return SCALARS[schema.get("format", schema["type"])](text)


def from_json(schema, data):
    """JSON data as the schema says."""
    if schema["type"] == "object":
        return {key: from_json(schema["properties"][key], item) for key, item in data.items()}
    if schema["type"] == "array":
        return [from_json(schema["items"], item) for item in data]
    return SCALARS[schema["format"]](data) if "format" in schema else data


def both_ways(text, delimiter, encoded, decode=unquote):
    """The values that delimiters separate."""
    found = [decode(each) for each in text.split(encoded)]
    assert decode(text).split(delimiter) == found
    return found


def joined(schema, parts, *, explode=False):
    """A list, or an object as its keys and values in turn, or as `key=value`."""
    if schema["type"] == "array":
        return [scalar(schema["items"], part) for part in parts]
    pairs = [part.split("=", 1) for part in parts] if explode else zip(parts[::2], parts[1::2], strict=True)
    return {key: scalar(schema["properties"][key], item) for key, item in pairs}


def fields(query, decode=unquote):
    """Names and undecoded values of a query."""
    pairs = [each.partition("=") for each in query.split("&")] if query else []
    return [(decode(name), text) for name, _, text in pairs]


def query(name, schema, style, explode, text, decode=unquote):
    """A parameter of a query, or a field of a form; None if it is not there."""
    found = fields(text, decode)
    texts = [value for key, value in found if key == name]
    if style == "deepObject" and schema["type"] == "object":
        inner = schema["properties"]
        here = {key: query(f"{name}[{key}]", each, style, explode, text, decode) for key, each in inner.items()}
        return {key: value for key, value in here.items() if value is not None} or None
    if schema["type"] == "object" and explode:
        properties = schema["properties"]
        here = {key: query(key, properties[key], "form", True, text, decode) for key, _ in found if key in properties}
        return here or None
    if not texts:
        return None
    if schema["type"] == "array" and explode:
        return [scalar(schema["items"], decode(value)) for value in texts]
    (value,) = texts
    if schema["type"] in {"array", "object"} and style != "deepObject" and explode is False:
        delimiter, encoded = {"form": (",", ","), "spaceDelimited": (" ", "%20"), "pipeDelimited": ("|", "%7C")}[style]
        return joined(schema, both_ways(value, delimiter, encoded, decode))
    return scalar(schema, decode(value))


def path(name, schema, style, explode, text):
    """A parameter that is a whole segment of a path."""
    if style == "matrix":
        assert text.startswith(";")
        if explode and schema["type"] != "object":
            pairs = [each.partition("=") for each in text[1:].split(";")]
            assert {key for key, _, _ in pairs} == {name}
            texts = [unquote(value) for _, _, value in pairs]
            return joined(schema, texts) if schema["type"] == "array" else scalar(schema, *texts)
        if not explode:
            key, _, text = text[1:].partition("=")
            assert key == name
        else:
            text = text[1:]
    if style == "label":
        assert text.startswith(".")
        text = text[1:]
    if schema["type"] not in {"array", "object"}:
        return scalar(schema, unquote(text))
    delimiter = {"matrix": ";", "label": ".", "simple": ","}[style] if explode else ","
    return joined(schema, both_ways(text, delimiter, delimiter), explode=explode)


def header(schema, explode, text):
    """A header; nothing is percent-encoded, and spaces around it and its parts have no meaning (RFC 9110, 5.6.1)."""
    if schema["type"] not in {"array", "object"}:
        return scalar(schema, text)
    return joined(schema, [part.strip() for part in text.split(",")], explode=explode)


def cookie(name, schema, text):
    """A cookie."""
    (value,) = [each for key, _, each in (pair.strip().partition("=") for pair in text.split(";")) if key == name]
    if schema["type"] not in {"array", "object"}:
        return scalar(schema, unquote(value))
    return joined(schema, both_ways(value, ",", ","))


def form(schema, text):
    """A body of `application/x-www-form-urlencoded`, without encodings."""
    found = {}
    for name, each in schema["properties"].items():
        value = query(name, each, "form", each["type"] != "object" or None, text, unquote_plus)
        if value is not None:
            found[name] = value
    return found


def multipart(schema, content_type, body):
    """A body of `multipart/form-data`, without encodings: values, and file names by the names of fields."""
    message = email.message_from_bytes(
        b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body, policy=email.policy.HTTP
    )
    found, names = {}, {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        inner = schema["properties"][name]
        one = inner["items"] if inner["type"] == "array" else inner
        names[name] = part.get_filename()
        if one.get("format") == "binary":
            value = part.get_payload(decode=True)
        else:
            value = scalar(one, part.get_payload(decode=True).decode())
            is_json = one["type"] in {"array", "object"}
            assert (part["content-type"] == "application/json") is is_json
        if inner["type"] == "array":
            found.setdefault(name, []).append(value)
        else:
            found[name] = value
    return found, names


def parsed(module, operation, response):
    """What a generated function makes of a response.

    Args:
        module: Imports a module of the generated package, by its name there.
        operation: The name of the operation's module.
        response: What the server answers with.
    """

    async def call():
        transport = httpx.MockTransport(lambda _: response)
        async with module("client").Client(base_url="http://api", httpx_args={"transport": transport}) as client:
            return (await module(f"api.default.{operation}").asyncio_detailed(client=client)).parsed

    return asyncio.run(call())
