"""Remove a definition from a module, with what needs it and what it alone needed. Pure."""

import ast
from collections.abc import Iterator

from specs.pipeline.source import Source, name_of

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def remove_with_users(source: Source, name: str) -> list[str]:
    """Remove what a module defines under a name; return the names of all that had to go.

    A method that uses it goes alone. A class that is made of it goes as a whole, and so does what only removed code
    has used; that it is in `__all__` is no use.
    """
    gone, used = [name], set[str]()
    while (step := _next(source, gone, used)) is not None:
        if isinstance(step, str):
            gone.append(step)
            continue
        used |= _names(step)
        first = min([step.lineno, *(each.lineno for each in getattr(step, "decorator_list", []))])
        lines = source.text.splitlines()
        while first > 1 and lines[first - 2].lstrip().startswith("#"):  # what is said of it
            first -= 1
        while first > 1 and not lines[first - 2].strip():
            first -= 1
        source.remove_lines(first, step.end_lineno or first)
    for each in gone:
        source.no_longer_offer(each)
    return gone


def _next(source: Source, gone: list[str], used: set[str]) -> ast.stmt | str | None:
    """Return the next statement to remove, or the next name whose definition has to go."""
    defined = {name: each for each in source.tree.body for name in _defines(each)}
    for name, statement in defined.items():
        if name in gone:
            return statement
    for name, statement in defined.items():
        if name == "__all__":
            continue
        methods = [each for each in getattr(statement, "body", ()) if isinstance(each, _Function)]
        of_methods = {id(node) for each in methods for node in ast.walk(each)}
        if any(node.id in gone for node in _loads(statement) if id(node) not in of_methods):
            return name
        if needing := [each for each in methods if not _names(each).isdisjoint(gone)]:
            is_all = len(methods) == len(needing) and isinstance(statement, ast.ClassDef)
            return name if is_all or isinstance(statement, _Function) else needing[0]
    needed = [_names(each) - _defines(each) for each in source.tree.body]
    return next((name for name in sorted(used & defined.keys()) if not any(name in each for each in needed)), None)


def _defines(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.ClassDef | _Function):
        return {statement.name}
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    targets = [statement.target] if isinstance(statement, ast.AnnAssign) else targets
    return {name_of(each) for each in targets}


def _names(node: ast.AST) -> set[str]:
    return {each.id for each in _loads(node)}


def _loads(node: ast.AST) -> Iterator[ast.Name]:
    return (each for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load))
