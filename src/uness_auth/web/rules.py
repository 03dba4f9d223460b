"""
The password rules as people, the script and password managers read them.

All three are made from the policy, so that what is said and what is enforced cannot
differ.
"""

from __future__ import annotations

import re

from ..policy import PasswordPolicy
from ..texts import Texts
from .views import Around, Line, Rule, Rules


def rules(policy: PasswordPolicy, texts: Texts, unmet: tuple[str, ...] = ()) -> Rules:
    """
    Return the rules as a list, those of *unmet* marked.
    """
    say = texts.say
    return Rules(
        heading=say("page.rules.intro"),
        rules=_rules(policy, texts, unmet),
        for_managers=for_managers(policy),
        met=say("page.rules.met"),
        unmet=say("page.rules.unmet"),
        left=say("page.rules.left"),
        done=say("page.rules.done"),
    )


def fault_lines(
    policy: PasswordPolicy, texts: Texts, unmet: tuple[str, ...]
) -> tuple[Line, ...]:
    """
    Return a line for each rule of *unmet*, the names of `PasswordPolicy.unmet`.
    """
    return tuple(
        Line(text=_text(f"page.rule_fault.{name}", policy, texts), href="#password")
        for name in unmet
    )


def for_managers(policy: PasswordPolicy) -> str:
    """
    Return the ``passwordrules`` attribute.

    A class that is not required is named as allowed where the alphabet is closed; an
    open one needs no word, for managers keep to ASCII by themselves.

    Source:
        Apple, "Customizing Password AutoFill Rules".
    """
    needed = {
        "lower": policy.needs_lowercase,
        "upper": policy.needs_uppercase,
        "digit": policy.needs_digit,
    }
    if policy.specials:
        needed[_class_for_managers(policy.specials)] = policy.needs_special
    parts = [f"minlength: {policy.min_length}", f"maxlength: {policy.max_length}"]
    parts += [f"required: {name}" for name, is_needed in needed.items() if is_needed]
    if not policy.is_closed and any(needed.values()):
        # Without this a manager would keep to the classes that are required.
        parts.append("allowed: ascii-printable")
    elif policy.is_closed and not all(needed.values()):
        others = (name for name, is_needed in needed.items() if not is_needed)
        parts.append(f"allowed: {', '.join(others)}")
    return "".join(f"{part}; " for part in parts).rstrip()


def _rules(
    policy: PasswordPolicy, texts: Texts, unmet: tuple[str, ...]
) -> tuple[Rule, ...]:
    specials = _class_for_script(policy.specials)
    length = f"^.{{{policy.min_length},{policy.max_length}}}$"
    found = [
        Rule(
            text=_text("page.rule.length", policy, texts),
            pattern=length,
            is_unmet="too_short" in unmet or "too_long" in unmet,
        )
    ]
    for name, is_asked, pattern in (
        ("no_uppercase", policy.needs_uppercase, "[A-Z]"),
        ("no_lowercase", policy.needs_lowercase, "[a-z]"),
        ("no_digit", policy.needs_digit, "[0-9]"),
        ("no_special", policy.needs_special, f"[{specials}]"),
        ("forbidden_character", policy.is_closed, f"^[A-Za-z0-9{specials}]*$"),
    ):
        if is_asked:
            rule = Rule(
                text=_text(f"page.rule.{name}", policy, texts),
                pattern=pattern,
                is_forbidding=name == "forbidden_character",
                is_unmet=name in unmet,
            )
            found.append(rule)
    return tuple(found)


def _text(key: str, policy: PasswordPolicy, texts: Texts) -> Around:
    if key.endswith("no_special"):
        before, after = texts.around(key, "specials")
        return Around(before=before, marked=policy.specials, after=after)
    if key.endswith("forbidden_character") and not policy.is_closed:
        # In an open alphabet a space is no fault, and the sentence must not say so.
        key += ".open"
    return Around(before=texts.say(key, min=policy.min_length, max=policy.max_length))


def _class_for_script(specials: str) -> str:
    # What a class of a JavaScript expression reads as more than itself; with its flag
    # u no other punctuation may carry a backslash.
    return re.sub(r"[\\\]\[{}()^$|/.*+?-]", r"\\\g<0>", specials)


def _class_for_managers(specials: str) -> str:
    # Nothing can be escaped there: the hyphen comes first, the bracket last.
    plain = "".join(sorted(set(specials) - set("-]")))
    hyphen = "-" if "-" in specials else ""
    bracket = "]" if "]" in specials else ""
    return f"[{hyphen}{plain}{bracket}]"
