"""Why a field is refused, in the reader's language: pydantic's own words are English."""

from typing import Any

from pydantic_core import PydanticCustomError

FALSE_START = "Value error, "

DANISH = {
    "arguments_type": "Skal være et objekt.",
    "bool_parsing": "Skal være true eller false.",
    "bool_type": "Skal være true eller false.",
    "bytes_too_long": "Må højst være {max_length} bytes.",
    "bytes_too_short": "Skal være mindst {min_length} bytes.",
    "bytes_type": "Skal være tekst.",
    "date_from_datetime_inexact": "Skal være en dato uden klokkeslæt.",
    "date_from_datetime_parsing": "Skal være en dato, for eksempel 2026-05-04.",
    "date_future": "Skal ligge i fremtiden.",
    "date_parsing": "Skal være en dato, for eksempel 2026-05-04.",
    "date_past": "Skal ligge i fortiden.",
    "date_type": "Skal være en dato, for eksempel 2026-05-04.",
    "datetime_from_date_parsing": "Skal være en dato med klokkeslæt, for eksempel 2026-05-04T10:00:00+02:00.",
    "datetime_future": "Skal ligge i fremtiden.",
    "datetime_object_invalid": "Skal være en dato med klokkeslæt, for eksempel 2026-05-04T10:00:00+02:00.",
    "datetime_parsing": "Skal være en dato med klokkeslæt, for eksempel 2026-05-04T10:00:00+02:00.",
    "datetime_past": "Skal ligge i fortiden.",
    "datetime_type": "Skal være en dato med klokkeslæt, for eksempel 2026-05-04T10:00:00+02:00.",
    "decimal_max_digits": "Må højst have {max_digits} cifre.",
    "decimal_max_places": "Må højst have {decimal_places} decimaler.",
    "decimal_parsing": "Skal være et tal.",
    "decimal_type": "Skal være et tal.",
    "decimal_whole_digits": "Må højst have {whole_digits} cifre før kommaet.",
    "dict_type": "Skal være et objekt.",
    "enum": "Skal være {expected}.",
    "extra_forbidden": "Findes ikke her.",
    "finite_number": "Skal være et endeligt tal.",
    "float_parsing": "Skal være et tal.",
    "float_type": "Skal være et tal.",
    "greater_than": "Skal være større end {gt}.",
    "greater_than_equal": "Skal være {ge} eller mere.",
    "int_from_float": "Skal være et helt tal.",
    "int_parsing": "Skal være et helt tal.",
    "int_parsing_size": "Tallet er for stort.",
    "int_type": "Skal være et helt tal.",
    "invalid_key": "Skal have tekst som nøgler.",
    "iterable_type": "Skal være en liste.",
    "json_invalid": "Er ikke gyldig JSON.",
    "json_type": "Skal være JSON.",
    "less_than": "Skal være mindre end {lt}.",
    "less_than_equal": "Må højst være {le}.",
    "list_type": "Skal være en liste.",
    "literal_error": "Skal være {expected}.",
    "mapping_type": "Skal være et objekt.",
    "missing": "Mangler.",
    "missing_argument": "Mangler.",
    "model_attributes_type": "Skal være et objekt.",
    "model_type": "Skal være et objekt.",
    "multiple_of": "Skal kunne deles med {multiple_of}.",
    "none_required": "Skal være null.",
    "recursion_loop": "Henviser til sig selv.",
    "set_type": "Skal være en liste.",
    "string_not_ascii": "Må kun bruge ASCII.",
    "string_pattern_mismatch": "Har ikke den rigtige form: {pattern}",
    "string_too_long": "Må højst være {max_length} tegn.",
    "string_too_short": "Skal være mindst {min_length} tegn.",
    "string_type": "Skal være tekst.",
    "string_unicode": "Skal være gyldig tekst i Unicode.",
    "time_delta_parsing": "Skal være en varighed.",
    "time_delta_type": "Skal være en varighed.",
    "time_parsing": "Skal være et klokkeslæt, for eksempel 10:00.",
    "time_type": "Skal være et klokkeslæt, for eksempel 10:00.",
    "timezone_aware": "Skal have en tidszone, for eksempel +02:00.",
    "timezone_naive": "Må ikke have en tidszone.",
    "timezone_offset": "Har ikke den rigtige tidszone.",
    "too_long": "Må højst have {max_length} elementer.",
    "too_short": "Skal have mindst {min_length} elementer.",
    "tuple_type": "Skal være en liste.",
    "unexpected_keyword_argument": "Findes ikke her.",
    "union_tag_invalid": "{discriminator} skal være {expected_tags}.",
    "union_tag_not_found": "{discriminator} mangler.",
    "url_parsing": "Skal være en gyldig adresse, for eksempel https://example.com/.",
    "url_scheme": "Skal begynde med {expected_schemes}.",
    "url_syntax_violation": "Skal være en gyldig adresse, for eksempel https://example.com/.",
    "url_too_long": "Må højst være {max_length} tegn.",
    "url_type": "Skal være en gyldig adresse, for eksempel https://example.com/.",
    "uuid_parsing": "Skal være et UUID.",
    "uuid_type": "Skal være et UUID.",
    "uuid_version": "Skal være et UUID af version {expected_version}.",
}


def refusal(code: str, *, en: str, da: str) -> PydanticCustomError:
    """For a validator to raise; a ValueError, as pydantic asks for."""
    return PydanticCustomError(code, en, {"da": da})


def told(error: dict[str, Any], language: str) -> str:
    """What one of pydantic's errors says. In English where there is no Danish."""
    english = str(error["msg"]).removeprefix(FALSE_START)
    if language != "da":
        return english
    values = error.get("ctx") or {}
    if "da" in values:
        return str(values["da"])
    template = DANISH.get(error["type"])
    return template.format(**{name: _danish(one) for name, one in values.items()}) if template else english


def _danish(value: object) -> str:
    return str(value).replace(" or ", " eller ").replace(" and ", " og ")
