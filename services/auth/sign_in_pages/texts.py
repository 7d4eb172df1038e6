"""Texts of the page that signs in, in Danish and English."""

from typing import Any

WORDS: dict[str, dict[str, Any]] = {
    "da": {
        "login": {
            "title": "Log ind",
            "text": "Tryk på knappen for at logge ind.",
            "button": "Log ind",
        },
        "request": {
            "title": "Bekræft din forespørgsel",
            "text": "Tryk på knappen for at bekræfte det, du har bedt om. Så bliver du også logget ind her.",
            "button": "Bekræft",
        },
        "account": "E-mail",
        "second_factor": "Kode fra din app",
        "second_factor_hint": "Du kan også bruge en gendannelseskode.",
        "mfa_required": "Du bruger totrinslogin. Skriv koden fra din app.",
        "invalid_code": "Koden er forkert eller allerede brugt. Vent på en ny i din app, og prøv igen.",
        "elsewhere": {
            "title": "Skriv koden, hvor du begyndte",
            "text": "Du bad om at logge ind i en anden browser. Skriv denne kode dér:",
            "note": "Har du ikke selv bedt om at logge ind? Så giv ikke koden til nogen. Luk bare siden.",
        },
        "dead_code": {
            "title": "Koden virker ikke længere",
            "text": "Den er prøvet for mange gange. Bed om en ny mail, eller åbn linket i den browser, du begyndte i.",
        },
        "signed_in": {"title": "Du er logget ind", "text": "Velkommen. Du kan lukke siden eller gå videre."},
        "confirmed": {
            "title": "Tak, det er bekræftet",
            "text": "Du får en mail om lidt. Du er også logget ind her og kan lukke siden eller gå videre.",
        },
        "onward": "Gå videre",
        "invalid": {
            "title": "Linket virker ikke",
            "text": "Linket er allerede brugt eller for gammelt. Bed om et nyt.",
        },
    },
    "en": {
        "login": {
            "title": "Sign in",
            "text": "Press the button to sign in.",
            "button": "Sign in",
        },
        "request": {
            "title": "Confirm your request",
            "text": "Press the button to confirm what you have asked for. It also signs you in here.",
            "button": "Confirm",
        },
        "account": "E-mail",
        "second_factor": "Code from your app",
        "second_factor_hint": "You can also use a recovery code.",
        "mfa_required": "You use two-factor login. Enter the code from your app.",
        "invalid_code": "The code is wrong or was used already. Wait for a new one in your app and try again.",
        "elsewhere": {
            "title": "Enter the code where you began",
            "text": "You asked to sign in in another browser. Enter this code there:",
            "note": "You did not ask to sign in? Then give the code to nobody. Just close this page.",
        },
        "dead_code": {
            "title": "The code no longer works",
            "text": "It was tried too often. Ask for a new mail, or open the link in the browser where you began.",
        },
        "signed_in": {"title": "You are signed in", "text": "Welcome. You can close this page or go on."},
        "confirmed": {
            "title": "Thank you, it is confirmed",
            "text": "You will get a mail in a moment. You are also signed in here and can close this page or go on.",
        },
        "onward": "Go on",
        "invalid": {
            "title": "The link does not work",
            "text": "The link was used already or is too old. Ask for a new one.",
        },
    },
}
