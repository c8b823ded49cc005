"""Expressions of a specification, such as `arrivals.arr_delay > 15`: a small allow-list over `ast`, compiled once."""

import ast
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from penstock.spec.errors import SpecError, nearest, quoted

CHARACTERS_MAX = 1_000
DEPTH_MAX = 30
WORDS = ("and", "or", "not", "true", "false")
KINDS = {"string": "string", "double": "number", "long": "number", "timestamp": "number", "boolean": "boolean", "number": "number"}
TOKEN = re.compile(
    r"""\s*(?:(?P<text>'[^'\\\n]*'|"[^"\\\n]*")|(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?(?![A-Za-z0-9_.]))"""
    r"""|(?P<name>[a-z][a-z0-9-]*\.[A-Za-z][A-Za-z0-9_]*|[A-Za-z][A-Za-z0-9_]*)|(?P<sign><=|>=|==|!=|[-+*/<>()]))""",
    re.ASCII,
)
COMPARISONS: dict[type[ast.cmpop], str] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
ARITHMETIC: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
RESULTS = {"boolean": "result if result is True or result is False else None", "string": "result if isinstance(result, str) else None"}
RESULTS["number"] = "result if isfinite(result) else None"


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression; `evaluate` takes a record of the stream (bare field names) and never raises.

    It gives None if any field used is None or absent, on division by zero, and for a result that is not finite. `fields` are bare names in
    order of use; `stream` is the stream that dotted names belong to, or None; `type` is "boolean", "number" or "string".
    """

    text: str
    fields: tuple[str, ...]
    stream: str | None
    type: str
    evaluate: Callable[[Mapping[str, Any]], Any]


def compile_expression(text: str, fields: Mapping[str, str]) -> Expression:
    """Compile `text` over `fields` (name or `stream.name` → type of the specification).

    >>> late = compile_expression("arrivals.arr_delay > 15", {"arr_delay": "double"})
    >>> late.evaluate({"arr_delay": 20.0}), late.evaluate({"arr_delay": None}), late.type
    (True, None, 'boolean')

    Raises: SpecError, without a place in the file.
    """
    names = _Names(fields)
    try:
        tree = ast.parse(_tokens(text, names), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise SpecError(f"{quoted(text)} is not an expression. Try: a comparison such as delay > 15 and distance < 500") from None
    source, type = _Checker(names).emit(tree.body, 0)
    return Expression(text, tuple(names.used), names.stream, type, _compile(source, type, names))


def stream_of(text: str) -> str | None:
    """The stream that the first dotted name of an expression belongs to, or None."""
    at = 0
    while match := TOKEN.match(text, at):
        if "." in (match["name"] or ""):
            return match["name"].partition(".")[0]
        at = match.end()
    return None


class _Names:
    """The fields an expression may use, and those it did use, in order; the n-th is called _n in the code."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._types = {name: KINDS[type] for name, type in fields.items()}
        self.used: dict[str, str] = {}
        self.stream: str | None = None
        self._written: str | None = None

    def placeholder(self, name: str) -> str:
        stream, _, bare = name.rpartition(".")
        type = self._types.get(name) or self._types.get(bare)
        if type is None:
            known = list(self._types)
            cure = nearest(name, known) or nearest(bare, known) or f"one of {', '.join(known[:20])}"
            raise SpecError(
                f"{quoted(name)} is not a field here. Try: {cure}" + (" (or put blanks around a minus)" if "-" in stream else "")
            )
        if self._written not in (None, stream):
            raise SpecError(
                f"{quoted(name)}: an expression reads one stream. Try: write every name the same way, with its stream or without"
            )
        self._written, self.stream = stream, stream or None
        self.used.setdefault(bare, type)
        return f"_{list(self.used).index(bare)}"

    def type(self, placeholder: str) -> str:
        return list(self.used.values())[int(placeholder[1:])]


def _tokens(text: str, names: _Names) -> str:
    """The text in words that Python's parser reads without surprises: fields as placeholders, blanks between all."""
    if len(text) > CHARACTERS_MAX:
        raise SpecError(f"the expression is longer than {CHARACTERS_MAX} characters")
    words, at, text = [], 0, text.rstrip(" \t\n")
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            cure = (
                ". Try: =="
                if text[at:].lstrip()[:1] == "="
                else ". Allowed: fields, numbers, texts, < <= > >= == != + - * / and or not ( )"
            )
            raise SpecError(f"{quoted(text[at:].strip())} is not allowed in an expression" + cure)
        word, at = match[0].strip(), match.end()
        if match["name"] and word not in WORDS:
            word = names.placeholder(word)
        words.append(repr(word[1:-1]) if match["text"] else {"true": "True", "false": "False"}.get(word, word))
    return " ".join(words)


class _Checker:
    """Checks types and writes the code again from what it has checked: nothing else can get in."""

    def __init__(self, names: _Names) -> None:
        self._names = names

    def emit(self, node: ast.expr, depth: int) -> tuple[str, str]:
        """Source and type of one node. Raises: SpecError."""
        if depth > DEPTH_MAX:
            raise SpecError(f"the expression is nested deeper than {DEPTH_MAX}")
        match node:
            case ast.Name(id=placeholder):
                return placeholder, self._names.type(placeholder)
            case ast.Constant(value=value):
                return _constant(value)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return f"(not {self._typed(operand, 'boolean', depth, 'not')})", "boolean"
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return f"(-{self._typed(operand, 'number', depth, '-')})", "number"
            case ast.BoolOp(op=op, values=values):
                word = " and " if isinstance(op, ast.And) else " or "
                return f"({word.join(self._typed(value, 'boolean', depth, word.strip()) for value in values)})", "boolean"
            case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
                sign = ARITHMETIC[type(op)]
                return f"({self._typed(left, 'number', depth, sign)} {sign} {self._typed(right, 'number', depth, sign)})", "number"
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in COMPARISONS:
                return self._comparison(left, COMPARISONS[type(op)], right, depth), "boolean"
        raise SpecError(f"{type(node).__name__} is not allowed in an expression. Try: one comparison at a time, joined by and, or, not")

    def _typed(self, node: ast.expr, wanted: str, depth: int, sign: str) -> str:
        source, type = self.emit(node, depth + 1)
        if type != wanted:
            raise SpecError(
                f"{sign} needs a {wanted}, not a {type}. Try: " + ("a comparison" if wanted == "boolean" else "a field with numbers")
            )
        return source

    def _comparison(self, left: ast.expr, sign: str, right: ast.expr, depth: int) -> str:
        (left_source, left_type), (right_source, right_type) = self.emit(left, depth + 1), self.emit(right, depth + 1)
        if left_type != right_type:
            raise SpecError(f"a {left_type} cannot be compared with a {right_type}. Try: quotes around a text, none around a number")
        if left_type == "boolean" and sign not in ("==", "!="):
            raise SpecError(f"{sign} does not fit booleans. Try: ==")
        return f"({left_source} {sign} {right_source})"


def _constant(value: object) -> tuple[str, str]:
    if isinstance(value, bool):
        return str(value), "boolean"
    if isinstance(value, str):
        return repr(value), "string"
    assert isinstance(value, int | float)
    if abs(value) >= 2**63 or not math.isfinite(value):
        raise SpecError(f"{quoted(value)} is too large a number")
    return repr(value), "number"


def _compile(source: str, type: str, names: _Names) -> Callable[[Mapping[str, Any]], Any]:
    """A function of the record, made from checked source only: placeholders, numbers, quoted texts, operators."""
    lines = ["def evaluate(record):", " try:"]
    for index, name in enumerate(names.used):
        lines += [f"  _{index} = record[{name!r}]", f"  if _{index} is None: return None"]
    lines += [
        f"  result = {source}",
        f"  return {RESULTS[type]}",
        " except (ArithmeticError, KeyError, TypeError, ValueError):",
        "  return None",
    ]
    scope: dict[str, Any] = {"__builtins__": {}, "isfinite": math.isfinite, "isinstance": isinstance, "str": str}
    scope |= {error.__name__: error for error in (ArithmeticError, KeyError, TypeError, ValueError)}
    exec(compile("\n".join(lines), "<expression>", "exec"), scope)  # noqa: S102 (written by _Checker, not by the user)
    evaluate: Callable[[Mapping[str, Any]], Any] = scope["evaluate"]
    return evaluate
