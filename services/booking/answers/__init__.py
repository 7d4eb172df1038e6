"""From rows to what the HTTP API answers. Ids become text here: the driver's own UUID class is foreign to orjson."""
