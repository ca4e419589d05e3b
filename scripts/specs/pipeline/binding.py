"""What a binding exposes of its API.

A binding is read as text: it may not import with new generated code. This alone knows how one is written:
`Endpoint(list_customers, reader=RowReader(Customer.from_dict, ...), paging=PageNumber(...), fields=fields)`,
`name = Field(param=...)` in the body of a class of `Fields`, and keywords of `where` in a `TypedDict`.
"""

import ast
from dataclasses import dataclass, field
from pathlib import Path

from specs.pipeline.source import Source, keyword_of, name_of, text_of

ORDER = "order_by"


@dataclass
class Binding:
    """What a binding exposes.

    Attributes:
        endpoints: Names of the generated modules of its lists.
        parameters: Query parameters that its conditions are sent as.
        fields: The fields that conditions are made of: how each is declared.
    """

    endpoints: set[str] = field(default_factory=set)
    parameters: set[str] = field(default_factory=set)
    fields: dict[str, ast.Call] = field(default_factory=dict)


@dataclass
class Listing:
    """How a binding declares a list endpoint, by the names in its source.

    Attributes:
        operation: Local name of the generated module.
        module: Name of that module.
        row: Class of its rows.
        fields: Class of its fields.
        filters: The `TypedDict` of the keywords of `where`.
        at: Which call of `Endpoint` it is.
    """

    operation: str
    module: str
    row: str
    fields: str
    filters: str
    at: int


def read_binding(path: Path) -> Binding:
    """Return what a binding exposes."""
    source = Source(path.read_text(encoding="utf-8"))
    binding = Binding()
    for each in listings_of(source):
        binding.endpoints.add(each.module)
        binding.parameters |= {*params_of_order(keyword_of(source.calls("Endpoint")[each.at], "order"))}
        binding.fields |= fields_of(source, each.fields)
    calls = source.nodes(ast.Call)
    binding.parameters |= {text for call in calls if (text := text_of(keyword_of(call, "param")))}
    return binding


def listings_of(source: Source) -> list[Listing]:
    """Return the lists that a binding declares, in the order of its source."""
    modules = {local: name for _, name, local in source.imported()}
    found = []
    for at, call in enumerate(source.calls("Endpoint")):
        operation = name_of(call.args[0] if call.args else keyword_of(call, "operation"))
        reader, fields = keyword_of(call, "reader"), keyword_of(call, "fields")
        read = reader.args[0] if isinstance(reader, ast.Call) and reader.args else None
        row = name_of(read.value) if isinstance(read, ast.Attribute) else ""
        owner = name_of(fields.func) if isinstance(fields, ast.Call) else _class_of(source, name_of(fields))
        filters = _filters(source, owner)
        found.append(Listing(operation, modules.get(operation, operation), row, owner, filters, at))
    return found


def params_of_order(order: ast.expr | None) -> list[str]:
    """Return the arguments that an order is sent as: `OrderBy(("created",), param="sort")`."""
    if order is None:
        return []
    call = order if isinstance(order, ast.Call) else ast.Call(order, [], [])
    direction = keyword_of(call, "descending")
    second = (
        [text_of(keyword_of(direction, "param") or next(iter(direction.args), None)) or "direction"]
        if isinstance(direction, ast.Call)
        else []
    )
    return [text_of(keyword_of(call, "param") or next(iter(call.args[1:]), None)) or ORDER, *second]


def _class_of(source: Source, variable: str) -> str:
    made = source.nodes(ast.Assign, lambda node: variable in map(name_of, node.targets))
    return next((name_of(each.value.func) for each in made if isinstance(each.value, ast.Call)), "")


def _filters(source: Source, owner: str) -> str:
    """Return the class whose keys are the fields with a parameter, best of all."""
    asked = {name for name, call in fields_of(source, owner).items() if keyword_of(call, "param")}
    shapes = source.nodes(ast.ClassDef, lambda each: "TypedDict" in map(name_of, each.bases))
    shared = {each.name: len(asked & {name for name, _ in keys_of(each)}) for each in shapes}
    return max(shared, key=lambda name: (shared[name], name[:4] == owner[:4]), default="")


def keys_of(shape: ast.ClassDef) -> list[tuple[str, ast.AnnAssign]]:
    """Return the keywords of a `TypedDict`, and where each is declared."""
    return [(name_of(line.target), line) for line in shape.body if isinstance(line, ast.AnnAssign)]


def field_lines(source: Source, owner: str) -> dict[str, ast.Assign]:
    """Return the lines that declare the fields of a class, by name."""
    found = source.class_named(owner)
    lines = [line for line in found.body if isinstance(line, ast.Assign)] if found else []
    return {name_of(line.targets[0]): line for line in lines if isinstance(line.value, ast.Call)}


def fields_of(source: Source, owner: str) -> dict[str, ast.Call]:
    """Return how the fields of a class are declared, by name."""
    return {name: line.value for name, line in field_lines(source, owner).items() if isinstance(line.value, ast.Call)}
