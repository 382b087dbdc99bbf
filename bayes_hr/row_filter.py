"""The row filter of a card (``where``): a comparison of columns with numbers and names, nothing else."""

from __future__ import annotations

import ast
import difflib
from typing import TYPE_CHECKING, Final

from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

_ALLOWED: Final = (
    ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.Compare, ast.Lt, ast.LtE,
    ast.Gt, ast.GtE, ast.Eq, ast.NotEq, ast.In, ast.NotIn, ast.Name, ast.Load, ast.Constant, ast.List, ast.Tuple,
)  # fmt: skip


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
    for node in ast.walk(tree):
        if not isinstance(node, _ALLOWED):
            part = ast.unparse(node) if isinstance(node, ast.expr) else type(node).__name__
            raise InputError(f"row filter {where!r}: {part!r} is not allowed here; {example}.")
        if isinstance(node, ast.Constant) and not isinstance(node.value, str | int | float):
            raise InputError(f"row filter {where!r}: {ast.unparse(node)!r} is not allowed here; {example}.")
        if isinstance(node, ast.Name) and node.id not in frame.columns:
            near = difflib.get_close_matches(node.id, list(frame.columns), n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise InputError(
                f"row filter {where!r}: there is no column {node.id!r}; "
                f"columns: {', '.join(frame.columns)}.{hint}"
            )
    try:
        # What was checked is what is evaluated: the tree, on one line.
        keep = frame.eval(ast.unparse(tree), engine="python")
    except (TypeError, ValueError, AttributeError, LookupError, NotImplementedError) as error:
        raise InputError(f"row filter {where!r} does not fit the columns ({error}); {example}.") from error
    if not isinstance(keep, pd.Series) or keep.dtype != bool:
        raise InputError(f"row filter {where!r} is not a comparison; {example}.")
    return keep
