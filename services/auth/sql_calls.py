"""Calls of the SQL functions in the schema `auth`."""

from sqlalchemy import TextClause, text


def function_call(name: str, *parameters: str, **casts: str) -> TextClause:
    """A call in named notation: `p_user => :user`. `casts`: the types of parameters that may be NULL."""
    arguments = (
        f"p_{parameter} => " + (f"CAST(:{parameter} AS {casts[parameter]})" if parameter in casts else f":{parameter}")
        for parameter in parameters
    )
    return text(f"SELECT * FROM auth.{name}({', '.join(arguments)})")
