"""What Compose reads of `.env`: every documented setting, no comment, and nothing that makes production unsafe."""

import re
from pathlib import Path

import pytest
from dotenv import dotenv_values
from pydantic.fields import FieldInfo

from cli.contracts.compose import SET_BY_COMPOSE, compose_settings, containers, passed_on
from deploy.tests.documents import DEPLOYABLES, ROOT, compose_file, settings_classes
from shared.settings import load

EXAMPLE = ROOT / ".env.example"
COMPOSE_FILES = ("docker-compose.yml", "deploy/compose/local.yml")
ONE = "all"  # of one.yml, which stands over docker-compose.yml
OF_THE_OPERATOR = {"secret_key", "secret_key_previous", "public_keys", "amqp_management_url"}  # or in SECRETS_FILE
LINE = re.compile(r"#([A-Z0-9_]+)=(.*)")


@pytest.fixture(scope="module")
def example() -> dict[str, str]:
    """Name -> the value that is documented."""
    matches = (LINE.fullmatch(line) for line in EXAMPLE.read_text().splitlines())
    return {match[1]: match[2] for match in matches if match}


def all_fields() -> dict[str, FieldInfo]:
    return {name: field for kind in settings_classes() for name, field in kind.model_fields.items()}


class TestEnvExample:
    def test_names_every_setting(self, example: dict[str, str]) -> None:
        assert {name.upper() for name in all_fields()} - example.keys() == set()

    def test_a_copy_of_it_sets_nothing(self) -> None:
        assert dotenv_values(EXAMPLE) == {}

    def test_no_comment_becomes_a_value(self, tmp_path: Path, example: dict[str, str]) -> None:
        """Compose takes what stands after an empty value for the value: comments have lines of their own."""
        lines = [line for line in EXAMPLE.read_text().splitlines() if line]
        assert [line for line in lines if not LINE.fullmatch(line) and not line.startswith("# ")] == []
        assert {name: value for name, value in example.items() if "#" in value or value != value.strip()} == {}
        used = tmp_path / "env"
        used.write_text("\n".join(f"{name}={value}" for name, value in example.items()))
        assert dotenv_values(used) == example

    def test_says_the_defaults(self, example: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("DATABASE_ROLE_PREFIX")
        monkeypatch.setenv("DATABASE_URL", "postgresql://db/x")
        monkeypatch.setenv("AMQP_URL", "amqp://broker")
        monkeypatch.setenv("SECRET_KEY", "development-needs-32-characters-or-more")
        for kind in settings_classes():
            plain = load(kind)
            for name in kind.model_fields:
                if example[name.upper()]:
                    monkeypatch.setenv(name.upper(), example[name.upper()])
            assert load(kind) == plain, kind

    def test_what_compose_reads_is_documented(self, example: dict[str, str]) -> None:
        text = "".join((ROOT / name).read_text() for name in COMPOSE_FILES)
        read = set(re.findall(r"\$\{([A-Z0-9_]+)", text)) - {"COMPOSE_PROJECT_NAME"}
        assert read - example.keys() == set()


class TestPassedOn:
    def test_the_committed_file_agrees_with_the_settings_classes(self) -> None:
        stale = "run `loctician contracts generate`"
        assert (ROOT / "deploy/compose/settings.yml").read_text() == compose_settings(), stale

    def test_compose_passes_on_or_sets_every_setting(self) -> None:
        services = compose_file(COMPOSE_FILES[0])["services"]
        for name in DEPLOYABLES:
            (kind,) = containers()[name]
            environment = services[name]["environment"]
            given = environment.keys() | {variable.removesuffix("_FILE") for variable in environment}
            lacking = {field.upper() for field in kind.model_fields.keys() - OF_THE_OPERATOR} - given
            assert lacking == set(), name

    def test_what_compose_sets_itself_is_a_setting(self) -> None:
        assert set(all_fields()) >= SET_BY_COMPOSE

    @pytest.mark.parametrize("container", sorted(containers().keys() - {ONE}))
    def test_a_setting_of_env_has_no_other_default(self, container: str) -> None:
        """Without a value it is that of `.env`, or not set at all."""
        environment = compose_file(COMPOSE_FILES[0])["services"][container]["environment"]
        named = set(passed_on(containers()[container]))
        assert {name for name in named & environment.keys() if environment[name] is not None} == set()
        assert named <= environment.keys()


class TestProduction:
    def test_no_setting_makes_it_development(self) -> None:
        services = compose_file(COMPOSE_FILES[0])["services"]
        kinds = {
            name: service["environment"].get("ENVIRONMENT")
            for name, service in services.items()
            if name in containers()
        }
        assert set(kinds.values()) == {"production"}
        assert kinds.keys() == containers().keys() - {ONE}

    def test_trying_it_out_is_another_project(self) -> None:
        names = [compose_file(name)["name"] for name in COMPOSE_FILES]
        assert len(set(names)) == 2

    def test_all_of_ours_are_development_when_tried_out(self) -> None:
        services = compose_file(COMPOSE_FILES[1])["services"]
        assert {services[name]["environment"]["ENVIRONMENT"] for name in containers().keys() - {ONE}} == {"development"}


class TestOneContainer:
    def test_it_has_what_each_service_is_given(self) -> None:
        services = compose_file(COMPOSE_FILES[0])["services"]
        one = compose_file("deploy/compose/one.yml")["services"]
        environment = services["gateway"]["environment"] | one["gateway"]["environment"]
        secrets = {*services["gateway"]["secrets"], *one["gateway"]["secrets"]}
        assert one.keys() == DEPLOYABLES
        for name in DEPLOYABLES:
            assert services[name]["environment"].keys() <= environment.keys(), name
            assert set(services[name]["secrets"]) <= secrets, name
