"""/docs: every operation on one plain page that needs nothing from elsewhere and runs no script."""

import html
import re
from collections.abc import Iterator
from typing import Any

import orjson

from gateway.operations.openapi import METHODS, REFERENCE, Document

CODE, MARKED = re.compile("`([^`]+)`"), r"<code>\1</code>"
STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#222}
h2{margin-top:2.5rem}details{border-bottom:1px solid #ddd}summary{padding:.45rem 0;cursor:pointer}
summary b{display:inline-block;width:4.5rem}summary code{margin-right:1rem}
details>div{padding:0 0 1rem 4.7rem}pre{background:#f5f5f2;padding:.8rem;overflow-x:auto;font-size:14px}
td{padding:.2rem .8rem .2rem 0;vertical-align:top}"""


def page(document: Document) -> bytes:
    info = document["info"]
    tags = document.get("tags") or [{"name": ""}]
    groups = "".join(_group(document, tag) for tag in tags)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Loctician API</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>'
        f"<body><h1>Loctician API</h1>{_text(info.get('description', ''))}"
        f'<p>The full description is in <a href="/openapi.json">/openapi.json</a>.</p>{groups}</body></html>'
    ).encode()


def _group(document: Document, tag: Document) -> str:
    operations = "".join(
        _operation(document, method, path, item[method])
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item and tag["name"] in item[method].get("tags", [""])
    )
    return f"<h2>{_escaped(tag['name'])}</h2>{_text(tag.get('description', ''))}{operations}"


def _operation(document: Document, method: str, path: str, operation: Document) -> str:
    parts = [_text(operation.get("description", "")), _parameters(operation), *_shown(document, operation)]
    return (
        f'<details id="{_escaped(operation.get("operationId", ""))}"><summary><b>{method.upper()}</b>'
        f"<code>{_escaped(path)}</code>{_escaped(operation.get('summary', ''))}</summary>"
        f"<div>{''.join(parts)}</div></details>"
    )


def _parameters(operation: Document) -> str:
    rows = "".join(map(_parameter, operation.get("parameters", [])))
    return f"<table>{rows}</table>" if rows else ""


def _parameter(one: Document) -> str:
    where = f"{one['in']}, required" if one.get("required") else one["in"]
    cells = [f"<code>{_escaped(one['name'])}</code>", where, f"<code>{_escaped(_json(one.get('example')))}</code>"]
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _shown(document: Document, operation: Document) -> Iterator[str]:
    """The body and the answers, each with its example."""
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        yield _example(f"Body, {media}", content.get("example"))
    for status, answer in sorted(operation.get("responses", {}).items()):
        answer = _resolved(document, answer)
        contents = answer.get("content", {})
        if int(status) >= 400:
            codes = [code for content in contents.values() for code in content.get("examples", {})]
            yield f"<p><b>{status}</b> <code>{_escaped(', '.join(codes))}</code></p>"
            continue
        yield f"<p><b>{status}</b> {_escaped(answer.get('description', ''))}</p>"
        for media, content in contents.items():
            yield _example(media, content.get("example"))


def _resolved(document: Document, node: Document) -> Document:
    kind, _, name = node.get("$ref", "").removeprefix(REFERENCE).partition("/")
    found: Document = document["components"][kind][name] if name else node
    return found


def _example(title: str, value: Any) -> str:
    shown = value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    return f"<p>{_escaped(title)}</p><pre>{_escaped(shown)}</pre>"


def _text(text: str) -> str:
    return "".join(f"<p>{CODE.sub(MARKED, _escaped(one))}</p>" for one in text.split("\n\n") if one)


def _json(value: Any) -> str:
    return "" if value is None else orjson.dumps(value).decode()


def _escaped(text: str) -> str:
    return html.escape(text)
