"""What a reply means, in three languages, and what it must never be taken for."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlane.i18n import available_languages
from leadlane.outbound.sms_words import Reply, code_of, delay_of, how_of, offered, read_reply, reason_of


@pytest.mark.parametrize(
    ("text", "language", "meaning"),
    [
        ("OK", "en", "accept"),
        (" ok. ", "en", "accept"),
        ("1", "en", "accept"),
        ("Accept!", "en", "accept"),
        ("NO", "en", "decline"),
        ("done", "en", "responded"),
        ("Later", "en", "snooze"),
        ("?", "en", "help"),
        ("status", "en", "status"),
        ("STOP", "en", "stop"),
        ("Tak", "pl", "accept"),
        ("biorę", "pl", "accept"),
        ("NIE", "pl", "decline"),
        ("Później", "pl", "snooze"),
        ("done", "pl", "responded"),
        ("Sì", "it", "accept"),
        ("no", "it", "decline"),
        ("fatto", "it", "responded"),
        # In spoken Polish a yes.
        ("no", "pl", "unknown"),
        # Sentences that only begin so.
        ("No problem, I take it", "en", "unknown"),
        ("ok who is that?", "en", "unknown"),
        ("1 moment", "en", "unknown"),
        ("thanks", "en", "unknown"),
        ("", "en", "unknown"),
        ("A7K", "en", "unknown"),
    ],
)
def test_what_a_reply_means(text, language, meaning):
    assert read_reply(text, language).meaning == meaning


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("OK A7K", Reply("accept", "A7K")),
        ("a7k ok", Reply("accept", "A7K")),
        ("No A7K, too far away", Reply("decline", "A7K", "too far away")),
        ("decline junk", Reply("decline", "", "junk")),
        ("A7K: done call", Reply("responded", "A7K", "call")),
        ("LATER 2h", Reply("snooze", "", "2h")),
    ],
)
def test_codes_and_what_follows(text, reply):
    assert read_reply(text, "en") == reply


@given(st.text(max_size=60))
def test_a_code_is_read_back_whatever_the_lead_is_called(lead_id):
    code = code_of(lead_id)
    for language in available_languages():
        for meaning in ("accept", "decline", "responded", "snooze"):
            assert read_reply(f"{offered(meaning, language)} {code}", language) == Reply(meaning, code)
            assert read_reply(f"{code.lower()} {offered(meaning, language)}", language) == Reply(
                meaning, code
            )


@given(st.text(max_size=200))
def test_any_text_is_read(text):
    read_reply(text, "pl")
    delay_of(text), how_of(text), reason_of(text)


def test_moments_reasons_and_ways():
    told = ("1h", "30 min", "2 dni", "domani", "Jutro", "soon", "9999h", "")
    assert [delay_of(text) for text in told] == [
        timedelta(hours=1), timedelta(minutes=30), timedelta(days=2), "tomorrow", "tomorrow", None, None, None
    ]  # fmt: skip
    reasons = [reason_of(text) for text in ("SPAM", "duplikat", "not my region", "")]
    assert reasons == ["junk", "duplicate", "", ""]
    assert [how_of(text) for text in ("by phone", "wysłałem mail", "nothing")] == ["call", "email", ""]
