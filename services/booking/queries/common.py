from typing import Any

import orjson

from shared.db import Database

Row = dict[str, Any]


async def json_of(database: Database, statement: Any, params: Row) -> Row:
    answer: Row = orjson.loads((await database.call(statement, params))[0][0])
    return answer
