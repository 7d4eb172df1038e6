from itertools import permutations

import pytest

from keys.derived import SealBroken
from keys.services import PublicKeys, ServiceKeys, public_keys, service_secret

ROOT, NEW = "a secret of thirty-two characters or more", "the new secret of thirty-two characters"
SERVICES = ("auth", "booking", "calendar", "notifications", "gdpr", "gateway")
CONTENT = "Kirsten Ærø".encode()


def keys_of(service: str, root: str = ROOT, previous: str | None = None) -> ServiceKeys:
    return ServiceKeys.from_root(service, root, previous)


def given(service: str) -> ServiceKeys:
    """As in production: its own secret, and the public keys of all."""
    published = {name: [public_keys(service_secret(ROOT, name))] for name in SERVICES}
    return ServiceKeys(service, [service_secret(ROOT, service)], published.__getitem__)


class TestSharedKeys:
    def test_the_two_services_open_what_either_sealed(self) -> None:
        for sender, recipient in permutations(SERVICES, 2):
            sealed = given(sender).shared_with(recipient).seal("letters", CONTENT, "x")
            assert keys_of(recipient).shared_with(sender).unseal("letters", sealed, "x") == CONTENT

    def test_nobody_else_opens_it(self) -> None:
        sealed = keys_of("auth").shared_with("notifications").seal("letters", CONTENT, "x")
        for reader, other in permutations(SERVICES, 2):
            if {reader, other} != {"auth", "notifications"}:
                with pytest.raises(SealBroken):
                    given(reader).shared_with(other).unseal("letters", sealed, "x")
        for service in SERVICES:
            with pytest.raises(SealBroken):
                given(service).unseal("letters", sealed, "x")

    def test_what_is_on_its_way_while_the_secrets_change_is_opened(self) -> None:
        sealed = keys_of("auth").shared_with("notifications").seal("letters", CONTENT, "x")
        assert keys_of("notifications", NEW, ROOT).shared_with("auth").unseal("letters", sealed, "x") == CONTENT
        with pytest.raises(SealBroken):
            keys_of("notifications", NEW).shared_with("auth").unseal("letters", sealed, "x")

    def test_a_service_keeps_to_itself_what_it_seals_alone(self) -> None:
        sealed = keys_of("gdpr").seal("letters", CONTENT, "x")
        assert given("gdpr").unseal("letters", sealed, "x") == CONTENT
        with pytest.raises(SealBroken):
            given("auth").unseal("letters", sealed, "x")


class TestOpenSignatures:
    def test_everybody_verifies_and_only_the_signer_signs(self) -> None:
        signature = given("auth").sign_openly("event", CONTENT)
        for service in SERVICES:
            assert given(service).is_signed_by("auth", "event", CONTENT, signature)
            assert not given(service).is_signed_by("gdpr", "event", CONTENT, signature)
            if service != "auth":
                forged = given(service).sign_openly("event", CONTENT)
                assert not keys_of("gdpr").is_signed_by("auth", "event", CONTENT, forged)

    def test_it_holds_for_its_purpose_and_content_alone(self) -> None:
        keys = keys_of("auth")
        signature = keys.sign_openly("event", CONTENT)
        assert not keys.is_signed_by("auth", "letter", CONTENT, signature)
        assert not keys.is_signed_by("auth", "event", CONTENT + b" ", signature)
        for wrong in (b"", signature[:-1], signature + b"x", bytes(64)):
            assert not keys.is_signed_by("auth", "event", CONTENT, wrong)

    def test_the_secret_before_still_counts_while_it_is_known(self) -> None:
        signature = keys_of("auth").sign_openly("event", CONTENT)
        assert keys_of("gdpr", NEW, ROOT).is_signed_by("auth", "event", CONTENT, signature)
        assert not keys_of("gdpr", NEW).is_signed_by("auth", "event", CONTENT, signature)


class TestPublicKeys:
    def test_as_text_and_back(self) -> None:
        keys = public_keys(service_secret(ROOT, "auth"))
        assert PublicKeys.from_text(keys.as_text()) == keys
        assert service_secret(ROOT, "auth") not in str(keys.as_text())

    @pytest.mark.parametrize("document", [{}, None, "x", {"sealing": "00", "signing": "00"}, {"sealing": "x"}])
    def test_anything_else_is_refused(self, document: object) -> None:
        with pytest.raises(ValueError, match="two public keys"):
            PublicKeys.from_text(document)
