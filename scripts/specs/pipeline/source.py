"""Change Python source a place at a time; what is not changed keeps its form. Pure."""

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import TypeVar

N = TypeVar("N", bound=ast.AST)


def name_of(node: ast.expr | None) -> str:
    """Return the last name of `a`, `a.b` and `a[b]`."""
    node = node.value if isinstance(node, ast.Subscript) else node
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def keyword_of(call: ast.Call, name: str) -> ast.expr | None:
    """Return the value of a keyword of a call."""
    return next((each.value for each in call.keywords if each.arg == name), None)


def text_of(node: ast.expr | None) -> str | None:
    """Return the text of a literal."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


class Source:
    """A module as text. Nodes are those of the text as it is: each change makes new ones."""

    def __init__(self, text: str) -> None:
        self.text = text

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    def nodes(self, kind: type[N], test: Callable[[N], bool] = lambda _: True) -> list[N]:
        """Return the nodes of a kind, from the top."""
        found = [node for node in ast.walk(self.tree) if isinstance(node, kind) and test(node)]
        return sorted(found, key=lambda node: getattr(node, "lineno", 0))

    def calls(self, *names: str) -> list[ast.Call]:
        return self.nodes(ast.Call, lambda call: name_of(call.func) in names)

    def class_named(self, name: str) -> ast.ClassDef | None:
        return next(iter(self.nodes(ast.ClassDef, lambda each: each.name == name)), None)

    # ---- changes

    def _offset(self, line: int, column: int) -> int:
        lines = self.text.splitlines(keepends=True)
        return sum(map(len, lines[: line - 1])) + len(lines[line - 1].encode()[:column].decode())

    def segment(self, node: ast.expr | ast.keyword | ast.stmt) -> str:
        return ast.get_source_segment(self.text, node) or ast.unparse(node)

    def replace(self, node: ast.expr | ast.stmt, text: str) -> None:
        start = self._offset(node.lineno, node.col_offset)
        end = self._offset(node.end_lineno or node.lineno, node.end_col_offset or 0)
        self.text = self.text[:start] + text + self.text[end:]

    def remove_lines(self, first: int, last: int) -> None:
        lines = self.text.splitlines(keepends=True)
        self.text = "".join([*lines[: first - 1], *lines[last:]])

    def insert(self, line: int, text: str) -> None:
        """Insert a line before this one."""
        lines = self.text.splitlines(keepends=True)
        self.text = "".join([*lines[: line - 1], f"{text}\n", *lines[line - 1 :]])

    def set_keywords(self, call: ast.Call, **values: str | None) -> None:
        """Give keywords of a call other values, as source; None removes one."""
        self.replace(call, self.with_keywords(call, **values))

    def with_keywords(self, call: ast.Call, **values: str | None) -> str:
        parts = [self.segment(each) for each in call.args]
        for each in call.keywords:
            if each.arg is None or each.arg not in values:
                parts.append(self.segment(each))
            elif (value := values.pop(each.arg)) is not None:
                parts.append(f"{each.arg}={value}")
        parts += [f"{name}={value}" for name, value in values.items() if value is not None]
        return f"{self.segment(call.func)}({', '.join(parts)})"

    # ---- what it imports

    def imported(self, module_end: str = "") -> Iterator[tuple[str, str, str]]:
        """Yield module, name and local name of each import from a module whose name ends so."""
        for node in self.nodes(ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            if module.endswith(module_end):
                yield from ((module, alias.name, alias.asname or alias.name) for alias in node.names)

    def add_import(self, module: str, name: str) -> None:
        """Import one name more."""
        if (module, name, name) in self.imported():
            return
        if self._imports(module):
            self._set_names(module, [*self._names(module), name])
            return
        last = [node for node in self.tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        level = module[: len(module) - len(module.lstrip("."))]
        alike = [node for node in last if isinstance(node, ast.ImportFrom) and "." * node.level == level] or last
        before = [
            node for node in alike if isinstance(node, ast.ImportFrom) and (node.module or "") > module.lstrip(".")
        ]
        line = before[0].lineno if before else (alike[-1].end_lineno or 0) + 1 if alike else 1
        self.insert(line, f"from {module} import {name}")

    def alias_import(self, module: str, name: str, new: str, new_module: str | None = None) -> None:
        """Import `new` under the local name of `name`; `new_module`: from another module."""
        local = next(local for where, each, local in self.imported() if (where, each) == (module, name))
        kept = [each for each in self._names(module) if each.split(" as ")[0] != name]
        entry = new if new == local else f"{new} as {local}"
        if new_module in {None, module}:
            self._set_names(module, [*kept, entry])
            return
        self._set_names(module, kept)
        self.add_import(new_module or module, entry)

    def remove_import(self, local: str) -> None:
        for module, name, known in list(self.imported()):
            if known == local:
                self._set_names(module, [each for each in self._names(module) if each.split(" as ")[0] != name])

    def _imports(self, module: str) -> ast.ImportFrom | None:
        return next(iter(self.nodes(ast.ImportFrom, lambda n: "." * n.level + (n.module or "") == module)), None)

    def _names(self, module: str) -> list[str]:
        node = self._imports(module)
        names = node.names if node else []
        return [alias.name + (f" as {alias.asname}" if alias.asname else "") for alias in names]

    def _set_names(self, module: str, names: list[str]) -> None:
        node = self._imports(module)
        assert node is not None
        if not names:
            self.remove_lines(node.lineno, node.end_lineno or node.lineno)
            return
        ordered = sorted(set(names), key=lambda each: (not each.isupper(), each[0].islower(), each))
        line = f"from {module} import {', '.join(ordered)}"
        if len(line) > 120 or (node.end_lineno or 0) > node.lineno:
            line = f"from {module} import (\n" + "".join(f"    {each},\n" for each in ordered) + ")"
        self.replace(node, line)

    # ---- what the module offers

    def offer(self, name: str) -> None:
        """Add a name to `__all__`, if there is one."""
        offered = self._offered()
        if offered is not None and name not in {text_of(each) for each in offered.elts}:
            self._set_offered([*(text_of(each) or "" for each in offered.elts), name])

    def no_longer_offer(self, name: str) -> None:
        offered = self._offered()
        if offered is not None and name in {text_of(each) for each in offered.elts}:
            self._set_offered([text for each in offered.elts if (text := text_of(each) or "") != name])

    def _offered(self) -> ast.List | None:
        for node in self.tree.body:
            if isinstance(node, ast.Assign) and [name_of(each) for each in node.targets] == ["__all__"]:
                return node.value if isinstance(node.value, ast.List) else None
        return None

    def _set_offered(self, names: list[str]) -> None:
        offered = self._offered()
        assert offered is not None
        ordered = sorted(set(names), key=lambda each: (not each.isupper(), each[0].islower(), each))
        self.replace(offered, "[\n" + "".join(f'    "{each}",\n' for each in ordered) + "]")

    def uses(self, name: str) -> int:
        """Return how often a name is read."""
        return len(self.nodes(ast.Name, lambda node: node.id == name and isinstance(node.ctx, ast.Load)))


def formatted(text: str) -> str:
    """Return the source as the formatter of this project writes it."""
    command = [sys.executable, "-m", "ruff", "format", "--line-length", "120", "--isolated", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else text
