"""Every command of the operations page is written out for each kind of installation."""

from deploy.tests.commands import WAYS, mentioned, operator_commands


def test_each_row_asks_the_same_of_each_installation() -> None:
    commands = operator_commands()
    assert len(commands) > 15
    for command in commands:
        written = (command.make_up, command.compose, command.kubernetes)
        assert written == tuple(f"{way} {command.words}" for way in WAYS)


def test_every_command_of_the_page_has_a_row() -> None:
    rows = {command.words for command in operator_commands()}
    lacking = {text for text in mentioned() if not any(row.startswith(text) for row in rows)}
    assert lacking <= {"secrets"}, "its row names the scripts that run it"
