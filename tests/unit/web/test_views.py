from __future__ import annotations

import html
from typing import get_args, get_origin, get_type_hints

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uness_auth.web import views
from uness_auth.web.views import VIEWS, Around, Line, Text


MODELS = [
    each
    for each in vars(views).values()
    if isinstance(each, type) and attrs.has(each) and each.__module__ == views.__name__
]


class TestText:
    @given(st.text())
    def test_is_safe_and_whole(self, text: str) -> None:
        """
        Escaped text holds no markup, and reads as what it was.
        """
        escaped = Text(text).__html__()

        assert set() == set("<>\"'") & set(escaped)
        assert text == html.unescape(escaped)

    def test_quotes_are_written_in_one_way(self) -> None:
        """
        The two quotes are written as Django writes them, whichever engine asks.
        """
        assert "&quot;&#x27;&lt;&gt;&amp;" == Text("\"'<>&").__html__()

    def test_is_a_text(self) -> None:
        """
        A `Text` is equal to what it was made of.
        """
        assert "a" == Text("a")


class TestModels:
    def test_there_are_some(self) -> None:
        """
        The walk finds view models, or the tests below would prove nothing.
        """
        assert set(VIEWS) < set(MODELS)

    @pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
    def test_hold_texts_flags_and_smaller_views(
        self, model: type[attrs.AttrsInstance]
    ) -> None:
        """
        A field is a text, a flag, a smaller view or a tuple of smaller views.
        """
        hints = get_type_hints(model)
        for field in attrs.fields(model):
            kind = hints[field.name]
            if get_origin(kind) is tuple:
                kind, rest = get_args(kind)
                assert rest is Ellipsis
                assert kind in MODELS
            else:
                assert kind in {str, bool, *MODELS}

    @pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
    def test_escape_every_text(self, model: type[attrs.AttrsInstance]) -> None:
        """
        Every text of a view becomes a `Text`, so that no page can forget it.
        """
        texts = [field for field in attrs.fields(model) if field.type == "str"]

        assert all(field.converter is Text for field in texts)

    def test_defaults_are_escaped_too(self) -> None:
        """
        Texts that are left out are a `Text` as well.
        """
        line = Line(text=Around(before="a"))

        assert isinstance(line.href, Text)
        assert isinstance(line.text.after, Text)
