"""Notes in letters that the model can't read."""

from pathlib import Path

import pytest
from vaults import index_of, write

from recall.embedding import DEFAULT_MODEL
from recall.embedding.alphabet import foreign_share, letters_of_model, unread_share
from recall.feedback import Feedback
from recall.render import why as rendered
from recall.render.as_text import Style
from recall.suggesting import Suggester

CYRILLIC = frozenset("абвгдежзийклмнопрстуфхцчшщъыьэюя")


@pytest.mark.parametrize(
    ("text", "foreign", "unread"),
    [
        ("Plain words, 123.", 0, 0),
        ("Éléonore a mangé où?", 0, 0),  # without its marks a Latin letter is one of ASCII
        ("Ёлка", 1, 0),
        ("Ёлка і сад", 1, 1 / 8),
        ("ab嫁接", 0.5, 0.5),
        ("", 0, 0),
    ],
)
def test_what_share_of_the_letters_can_not_be_read(text, foreign, unread):
    assert foreign_share([text]) == foreign
    assert unread_share([text], CYRILLIC) == unread


def test_the_default_model_reads_cyrillic_and_little_chinese(embedder, models_dir):
    letters = letters_of_model(DEFAULT_MODEL, models_dir=models_dir)
    assert letters is not None
    assert unread_share(["Съешь ещё этих мягких булок, and drink tea"], letters) == 0
    assert 0.3 < unread_share(["春天嫁接的苹果树在秋天结果"], letters) < 1
    assert unread_share(["嫁"], letters) == (embedder.count_tokens(["嫁"]) == [3])


def test_of_a_model_that_is_not_there_nothing_is_known(tmp_path):
    assert letters_of_model(DEFAULT_MODEL, models_dir=tmp_path) is None
    assert letters_of_model(str(tmp_path / "nothing"), models_dir=tmp_path) is None


def test_where_the_model_reads_nothing_shared_words_weigh_more(tmp_path: Path):
    texts = {
        "嫁接.md": "春天嫁接的苹果树在秋天结果，果农选枝条。好的。",
        "苹果.md": "每棵苹果树在秋天结果后，果农选枝条来嫁接。",
        "枝条.md": "好的。",
        "石墙.md": "石墙白天吸收热量，夜里放出来。",
    }
    write(tmp_path, {path: f"# {path[:2]}\n\n{text}\n" for path, text in texts.items()})
    index = index_of(tmp_path)
    index.refresh()
    plain, blind = (
        Suggester(
            index.settings,
            index.vault,
            Feedback(index.settings.index),
            index.embedder,
            letters=lambda letters=letters: letters,
        )
        for letters in (None, frozenset())
    )
    options = {"k": 10, "min_score": 0.0, "drafts": False}
    with index.read() as snapshot:
        before, after = (
            {each: asked.explain("嫁接.md", each, snapshot, **options) for each in list(texts)[1:]}
            for asked in (plain, blind)
        )
    by_words = sorted(after, key=lambda path: after[path].words_rank or len(after) + 1)
    assert sorted(after, key=lambda path: after[path].rank) == by_words
    assert sorted(before, key=lambda path: before[path].rank) != by_words
    # What is likely at all does not change with the order.
    chances = sorted((each.score for each in before.values()), reverse=True)
    assert [after[path].score for path in by_words] == chances
    text = rendered.as_text(after["苹果.md"], Style())
    assert "reads 0% of the letters of 嫁接: shared words count the more" in text
    assert rendered.as_json(before["苹果.md"])["unread"] == 0
