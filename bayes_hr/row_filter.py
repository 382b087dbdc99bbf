"""The row filter of a card (``where``): a comparison of columns with numbers and names, nothing else."""

from __future__ import annotations

import ast
import difflib
import operator
from functools import reduce
from typing import TYPE_CHECKING, Any, Final

from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

_ALLOWED: Final = (
    ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.Compare, ast.Lt,
    ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq, ast.In, ast.NotIn, ast.Name, ast.Load, ast.Constant,
    ast.List, ast.Tuple,
)  # fmt: skip

_COMBINE: Final[dict[type[ast.boolop], Any]] = {ast.And: operator.and_, ast.Or: operator.or_}
_COMPARE: Final[dict[type[ast.cmpop], Any]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip


def matching_rows(frame: pd.DataFrame, where: str) -> pd.Series:
    """Rows that satisfy a filter such as ``1985 <= year <= 2018 and ccode not in [2, 20]``.

    Returns
    -------
    pandas.Series of bool
        True for rows to keep; all of them for an empty filter.

    Raises
    ------
    InputError
        If the filter is not such a comparison or names a column that is not there.
    """
    import pandas as pd

    if not where.strip():
        return pd.Series(True, index=frame.index)
    example = "write it like 1985 <= year <= 2018 and regime != 'no score'"
    try:
        tree = ast.parse(where.strip(), mode="eval")
    except SyntaxError as error:
        raise InputError(f"row filter {where!r} cannot be read ({error.msg}); {example}.") from error
    known = [str(name) for name in frame.columns if not str(name).startswith("_")]  # others are internal
    for node in ast.walk(tree):
        if not isinstance(node, _ALLOWED):
            part = ast.unparse(node) if isinstance(node, ast.expr) else type(node).__name__
            raise InputError(f"row filter {where!r}: {part!r} is not allowed here; {example}.")
        if isinstance(node, ast.Constant) and not isinstance(node.value, str | int | float):
            raise InputError(f"row filter {where!r}: {ast.unparse(node)!r} is not allowed here; {example}.")
        if isinstance(node, ast.Name) and node.id not in known:
            near = difflib.get_close_matches(node.id, known, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise InputError(
                f"row filter {where!r}: there is no column {node.id!r}; columns: {', '.join(known)}.{hint}"
            )
    try:
        keep = _condition(tree.body, frame)
    except (TypeError, NotImplementedError) as error:
        raise InputError(f"row filter {where!r} does not fit the columns ({error}); {example}.") from error
    if keep is None:
        raise InputError(f"row filter {where!r} is not a comparison; {example}.")
    return keep


def columns_of(where: str) -> tuple[str, ...]:
    """Columns that a filter names, in order; none if it cannot be read, which :func:`matching_rows` says."""
    try:
        tree = ast.parse(where.strip() or "0", mode="eval")
    except SyntaxError:
        return ()
    return tuple(dict.fromkeys(node.id for node in ast.walk(tree) if isinstance(node, ast.Name)))


def _condition(node: ast.expr, frame: pd.DataFrame) -> pd.Series | None:
    """Truth of a part for each row; None if it is not a comparison of a column (``regime``, ``1 < 2``)."""
    match node:
        case ast.BoolOp(op, values):
            parts = [_condition(value, frame) for value in values]
            return reduce(_COMBINE[type(op)], parts) if all(part is not None for part in parts) else None
        case ast.UnaryOp(ast.Not(), operand):
            inner = _condition(operand, frame)
            return None if inner is None else ~inner
        case ast.Compare(left, ops, comparators):
            sides = [_value(side, frame) for side in (left, *comparators)]
            links = [_compared(type(op), a, b) for op, a, b in zip(ops, sides, sides[1:], strict=False)]
            return reduce(operator.and_, links) if all(link is not None for link in links) else None
        case ast.Name(name) if frame[name].dtype == bool:
            return frame[name]
    return None


def _value(node: ast.expr, frame: pd.DataFrame) -> Any:
    """A column, a number or text, or a list of them."""
    match node:
        case ast.Name(name):
            return frame[name]
        case ast.Constant(value):
            return value
        case ast.List(items) | ast.Tuple(items):
            return [_value(item, frame) for item in items]
        case ast.UnaryOp(ast.USub(), operand):
            return -_value(operand, frame)
    raise TypeError(f"{ast.unparse(node)!r} is not a column, a number or text")


def _compared(op: type[ast.cmpop], a: Any, b: Any) -> pd.Series | None:
    import pandas as pd

    if op in {ast.In, ast.NotIn}:
        if not isinstance(a, pd.Series) or not isinstance(b, list) or any(map(_is_many, b)):
            raise TypeError("'in' wants a column on its left and a list of numbers or text on its right")
        return a.isin(b) if op is ast.In else ~a.isin(b)
    if isinstance(a, list) or isinstance(b, list):
        raise TypeError("a list goes with 'in' or 'not in'")
    if not isinstance(a, pd.Series) and not isinstance(b, pd.Series):
        return None
    out: pd.Series = _COMPARE[op](a, b)
    return out


def _is_many(value: Any) -> bool:
    return not isinstance(value, str | int | float)
