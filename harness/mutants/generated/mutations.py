"""Mechanical mutations of the node's rules and guards, as changes of one place in the tree of one function.

The operators are those of mutation testing, as far as they suit rules: a comparison at its boundary, turned
round or with its operands swapped; a condition negated or dropped; a number off by one; a sum for a
difference; `min` for `max`; a statement dropped, or an assignment, so that a variable stays stale (DeMillo,
Lipton & Sayward, "Hints on Test Data Selection", 1978).

Left alone is what is no rule: texts, assertions, what is only traced, the HTTP codec, and the values that
travel (messages, requests, settings).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import msgspec

CORE = Path(__file__).parents[3] / "node_impl" / "core"
FOLDERS = ("raft", "registry", "serving", "storage")
"""The folders of the node's core whose functions are mutated, and `node.py` besides."""
NO_FILES = frozenset({"tracing.py", "messages.py", "commands.py", "format.py", "__init__.py"})
"""Files that only describe or encode."""
NO_RULES = frozenset({"__init__", "__len__", "sizes", "status", "stop"})
"""Methods that only begin, end or describe."""
LARGEST_NUMBER = 1 << 20


class Mutation(msgspec.Struct, frozen=True):
    """One change of one function."""

    module: str
    """`node_impl.core.raft.elections`"""
    function: str
    """`Elections.hears_a_leader`"""
    line: int
    kind: str
    """`boundary`, `comparison`, `swapped operands`, ..."""
    before: str
    after: str
    node: int
    """Which node of the function's tree, in the order of `ast.walk`."""
    variant: int
    """Which of the changes of that node."""

    @property
    def name(self) -> str:
        """A name that no other mutation of the same code has."""
        return f"{self.module}:{self.function}:{self.node}:{self.variant}"


Change = tuple[str, ast.AST]
"""The kind of a change, and what takes the place of a node."""

_COMPARISONS: dict[type[ast.cmpop], tuple[tuple[str, type[ast.cmpop]], ...]] = {
    ast.Lt: (("boundary", ast.LtE), ("comparison", ast.GtE)),
    ast.LtE: (("boundary", ast.Lt), ("comparison", ast.Gt)),
    ast.Gt: (("boundary", ast.GtE), ("comparison", ast.LtE)),
    ast.GtE: (("boundary", ast.Gt), ("comparison", ast.Lt)),
    ast.Eq: (("comparison", ast.NotEq),),
    ast.NotEq: (("comparison", ast.Eq),),
    ast.Is: (("comparison", ast.IsNot),),
    ast.IsNot: (("comparison", ast.Is),),
    ast.In: (("comparison", ast.NotIn),),
    ast.NotIn: (("comparison", ast.In),),
}
_ORDERED = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_EXTREMES = {"max": "min", "min": "max"}


def every_mutation() -> tuple[Mutation, ...]:
    """All mutations of the node's core, in the order of files and lines."""
    return tuple(mutation for path in files() for mutation in mutations_of(path))


def files() -> tuple[Path, ...]:
    """The files whose functions are mutated."""
    inside = [path for folder in FOLDERS for path in sorted((CORE / folder).rglob("*.py"))]
    return tuple(path for path in (*inside, CORE / "node.py") if path.name not in NO_FILES)


def module_of(path: Path) -> str:
    """The name of the module in a file of the core."""
    return ".".join(path.relative_to(CORE.parents[1]).with_suffix("").parts)


def mutations_of(path: Path) -> Iterator[Mutation]:
    """The mutations of one file."""
    module = module_of(path)
    for name, function in functions(ast.parse(path.read_text(encoding="utf-8"))):
        left_alone = _left_alone(function)
        for number, node in enumerate(ast.walk(function)):
            if id(node) in left_alone:
                continue
            for variant, (kind, changed) in enumerate(changes(node, function)):
                yield Mutation(
                    module, name, getattr(node, "lineno", 0), kind,
                    _text(node), _text(changed), number, variant,
                )  # fmt: skip


def functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    """The functions of a module and the methods of its classes, by their qualified names."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            for member in node.body:
                if isinstance(member, ast.FunctionDef) and member.name not in NO_RULES:
                    yield f"{node.name}.{member.name}", member


def mutated(path: Path, mutation: Mutation) -> ast.Module:
    """The tree of a file with a mutation in it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    function = dict(functions(tree))[mutation.function]
    node = list(ast.walk(function))[mutation.node]
    _, changed = changes(node, function)[mutation.variant]
    _Replacing(node, changed).visit(tree)
    return ast.fix_missing_locations(tree)


class _Replacing(ast.NodeTransformer):
    def __init__(self, node: ast.AST, changed: ast.AST) -> None:
        self._node = node
        self._changed = changed

    def visit(self, node: ast.AST) -> ast.AST:
        if node is self._node:
            return ast.copy_location(self._changed, node)
        visited: ast.AST = super().visit(node)
        return visited


def _left_alone(function: ast.FunctionDef) -> set[int]:
    """The nodes that are no part of a rule: texts, assertions, types, defaults, refusals, what is traced."""
    found: set[int] = set()

    def skip(*nodes: ast.AST | None) -> None:
        for node in nodes:
            if node is not None:
                found.update(id(inner) for inner in ast.walk(node))

    skip(function.args, function.returns, *function.decorator_list)
    for node in ast.walk(function):
        match node:
            case ast.Raise() | ast.Assert() | ast.JoinedStr():
                skip(node)
            case ast.AnnAssign():
                skip(node.annotation)
            case ast.Expr(value=ast.Call(func=ast.Attribute(attr=name))) if name.startswith(
                ("trace", "_trace")
            ):
                skip(node)
            case ast.Expr(value=ast.Constant()):
                skip(node)
    return found


def changes(node: ast.AST, function: ast.FunctionDef) -> list[Change]:
    """What may take the place of a node."""
    match node:
        case ast.Compare(ops=[operator]):
            return _of_comparison(node, operator)
        case ast.BoolOp():
            return _of_condition(node)
        case ast.UnaryOp(op=ast.Not()):
            return [("negated condition", node.operand)]
        case ast.If() | ast.IfExp():
            return _of_test(node)
        case ast.BinOp(op=ast.Add()):
            return [("sum", ast.BinOp(node.left, ast.Sub(), node.right))]
        case ast.BinOp(op=ast.Sub()):
            return [("swapped operands", ast.BinOp(node.right, ast.Sub(), node.left))]
        case ast.Constant(value=int() as number) if not isinstance(number, bool) and number < LARGEST_NUMBER:
            return [("off by one", ast.Constant(number + 1))]
        case ast.Constant(value=bool() as truth):
            return [("negated condition", ast.Constant(not truth))]
        case ast.Call(func=ast.Name(id=name)) if name in _EXTREMES:
            other = ast.Name(_EXTREMES[name], ast.Load())
            return [("comparison", ast.Call(other, node.args, node.keywords))]
        case ast.Expr(value=ast.Call()) | ast.AugAssign():
            return [("dropped statement", ast.Pass())]
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            return [("dropped statement", ast.Pass())]
        case ast.Assign(targets=[ast.Name(id=name)]) if _is_bound_before(name, node, function):
            return [("stale variable", ast.Pass())]
        case _:
            return []


def _of_comparison(node: ast.Compare, operator: ast.cmpop) -> list[Change]:
    right = node.comparators[0]
    found: list[Change] = [
        (kind, ast.Compare(node.left, [other()], [right])) for kind, other in _COMPARISONS[type(operator)]
    ]
    if isinstance(operator, _ORDERED):
        found.append(("swapped operands", ast.Compare(right, [operator], [node.left])))
    return found


def _of_condition(node: ast.BoolOp) -> list[Change]:
    """Each of the conditions dropped."""
    rest = [[other for other in node.values if other is not one] for one in node.values]
    return [
        ("dropped condition", values[0] if len(values) == 1 else ast.BoolOp(node.op, values))
        for values in rest
    ]


def _of_test(node: ast.If | ast.IfExp) -> list[Change]:
    tests: list[tuple[str, ast.expr]] = [("dropped condition", ast.Constant(True))]
    if not isinstance(node.test, ast.Compare | ast.UnaryOp):
        tests.append(("negated condition", ast.UnaryOp(ast.Not(), node.test)))
    if isinstance(node, ast.If):
        body, other = node.body, node.orelse
        return [(kind, ast.If(test, body, other)) for kind, test in tests]
    then, otherwise = node.body, node.orelse
    return [(kind, ast.IfExp(test, then, otherwise)) for kind, test in tests]


def _is_bound_before(name: str, assignment: ast.Assign, function: ast.FunctionDef) -> bool:
    arguments = {argument.arg for argument in ast.walk(function.args) if isinstance(argument, ast.arg)}
    earlier = (
        target.id
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and node.lineno < assignment.lineno
        for target in node.targets
        if isinstance(target, ast.Name)
    )
    return name in arguments or name in earlier


def _text(node: ast.AST) -> str:
    text = ast.unparse(ast.fix_missing_locations(node)).partition("\n")[0]
    return text if len(text) <= 100 else text[:99] + "…"
