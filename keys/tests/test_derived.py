import pytest

from keys.derived import Keys, SealBroken

KEYS = Keys("a secret of thirty-two characters or more")
CONTENT = "Kirsten Ærø".encode()


class TestSealing:
    def test_what_is_sealed_is_read_again_at_its_place(self) -> None:
        sealed = KEYS.seal("letters", CONTENT, "request/auth")
        assert KEYS.unseal("letters", sealed, "request/auth") == CONTENT
        assert CONTENT not in sealed

    @pytest.mark.parametrize(
        ("keys", "purpose", "place"),
        [
            (KEYS, "letters", "request/booking"),
            (KEYS, "parcels", "request/auth"),
            (Keys("another secret of thirty-two characters"), "letters", "request/auth"),
        ],
    )
    def test_elsewhere_or_with_another_key_it_is_not(self, keys: Keys, purpose: str, place: str) -> None:
        sealed = KEYS.seal("letters", CONTENT, "request/auth")
        with pytest.raises(SealBroken):
            keys.unseal(purpose, sealed, place)

    def test_each_changed_bit_is_noticed(self) -> None:
        sealed = KEYS.seal("letters", CONTENT, "x")
        for position in range(len(sealed)):
            changed = bytearray(sealed)
            changed[position] ^= 1
            with pytest.raises(SealBroken):
                KEYS.unseal("letters", bytes(changed), "x")
        with pytest.raises(SealBroken):
            KEYS.unseal("letters", b"", "x")


class TestChangedSecret:
    NEW = "the new secret of thirty-two characters"

    def test_what_the_one_before_has_sealed_and_signed_opens_and_holds(self) -> None:
        both = Keys(self.NEW, "a secret of thirty-two characters or more")
        assert both.unseal("letters", KEYS.seal("letters", CONTENT, "x"), "x") == CONTENT
        assert both.verify("anchors", CONTENT, KEYS.sign("anchors", CONTENT))

    def test_what_is_sealed_and_signed_now_needs_the_new_one(self) -> None:
        both, new = Keys(self.NEW, "a secret of thirty-two characters or more"), Keys(self.NEW)
        assert new.unseal("letters", both.seal("letters", CONTENT, "x"), "x") == CONTENT
        assert new.verify("anchors", CONTENT, both.sign("anchors", CONTENT))
        assert not KEYS.verify("anchors", CONTENT, both.sign("anchors", CONTENT))
        with pytest.raises(SealBroken):
            KEYS.unseal("letters", both.seal("letters", CONTENT, "x"), "x")


class TestSigning:
    def test_a_signature_holds_for_its_purpose_and_content_alone(self) -> None:
        signature = KEYS.sign("anchors", CONTENT)
        assert KEYS.verify("anchors", CONTENT, signature)
        assert not KEYS.verify("anchors", CONTENT + b" ", signature)
        assert not KEYS.verify("letters", CONTENT, signature)
