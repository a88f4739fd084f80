"""Write a BERT encoder as a graph of few, large operations, from the weights that torch loaded.

Traced from torch, MiniLM is 288 operations, half of which compute shapes and masks; opening them
takes longer than running them on a question. Written by hand it is 68. The graph begins behind
the embedding table (`lookup` reads the few rows that a text needs) and ends with the pooling.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from recall.embedding.lookup import POSITIONS, WORDS

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from recall.embedding.torch import TorchEmbedder

_OPSET = 17  # the first with LayerNormalization
_FUSED = "com.microsoft"  # onnxruntime's own operations
_IR_VERSION = 8  # what belongs to that opset; read by every onnxruntime in use
_POOLINGS = frozenset({"mean", "cls"})
_MODULES = frozenset({"Transformer", "Pooling", "Normalize"})

Weights = dict[str, "NDArray[np.float32]"]


def is_plain_bert(embedder: TorchEmbedder, modules: tuple[str, ...]) -> bool:
    """Whether `write_bert` knows all that this model does; what it gets wrong parity shows."""
    network = embedder.model[0].auto_model
    config = network.config
    return (
        type(network).__name__ == "BertModel"
        and _MODULES.issuperset(modules)
        and embedder.space.pooling in _POOLINGS
        and config.hidden_act == "gelu"
        and not config.is_decoder
        and getattr(config, "position_embedding_type", "absolute") in {"absolute", None}
    )


def write_bert(embedder: TorchEmbedder, graph: Path, *, weights_file: str) -> None:
    """Write the graph, its weights beside it, and the two tables that `lookup` reads.

    Args:
        embedder: Holds the model; `is_plain_bert` of it.
        graph: Where the graph goes; the other files go beside it.
        weights_file: Name of the file for the weights, which are mapped, not read.
    """
    import onnx

    network = embedder.model[0].auto_model
    weights: Weights = {
        name: tensor.detach().float().cpu().numpy() for name, tensor in network.state_dict().items()
    }
    onnx.save(
        _Graph(weights, network.config).model(),
        str(graph),
        save_as_external_data=True,
        location=weights_file,
        size_threshold=1024,
    )
    kinds = weights["embeddings.token_type_embeddings.weight"]
    positions = weights["embeddings.position_embeddings.weight"] + kinds[0]
    words = weights["embeddings.word_embeddings.weight"]
    for name, table in ((WORDS, words), (POSITIONS, positions)):
        np.save(graph.parent / name, np.ascontiguousarray(table), allow_pickle=False)


class _Graph:
    """Puts the operations one behind the other."""

    def __init__(self, weights: Weights, config: Any) -> None:  # noqa: ANN401 - of transformers
        self._weights = weights
        self._config = config
        self._nodes: list[Any] = []
        self._held: list[Any] = []

    def model(self) -> Any:  # noqa: ANN401 - onnx has no types
        """Token vectors, lengths and pooling weights → one vector a text, not normalised."""
        from onnx import TensorProto, helper

        hidden = int(self._config.hidden_size)
        state = self._add("LayerNormalization", ["tokens", *self._norm("embeddings.LayerNorm")])
        for layer in range(int(self._config.num_hidden_layers)):
            state = self._layer(state, f"encoder.layer.{layer}.")
        self._add("MatMul", ["pooling", state], "vectors")
        described = helper.make_tensor_value_info
        graph = helper.make_graph(
            self._nodes,
            "bert",
            [
                described("tokens", TensorProto.FLOAT, ["rows", "width", hidden]),
                described("lengths", TensorProto.INT32, ["rows"]),
                described("pooling", TensorProto.FLOAT, ["rows", 1, "width"]),
            ],
            [described("vectors", TensorProto.FLOAT, ["rows", 1, hidden])],
            self._held,
        )
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_FUSED, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)

    def _layer(self, state: str, prefix: str) -> str:
        """One layer: attention over the text, then two dense layers, each added and normalised."""
        parts = [f"{prefix}attention.self.{part}" for part in ("query", "key", "value")]
        joined = np.concatenate([self._weights[f"{part}.weight"].T for part in parts], axis=1)
        biases = np.concatenate([self._weights[f"{part}.bias"] for part in parts])
        attended = self._add(
            "Attention",
            [
                state,
                self._hold(f"{prefix}qkv.weight", joined),
                self._hold(f"{prefix}qkv.bias", biases),
                "lengths",
            ],
            domain=_FUSED,
            num_heads=int(self._config.num_attention_heads),
        )
        state = self._added(attended, state, f"{prefix}attention.output.")
        inner = self._add("MatMul", [state, self._matrix(f"{prefix}intermediate.dense.weight")])
        inner = self._add(
            "BiasGelu", [inner, self._vector(f"{prefix}intermediate.dense.bias")], domain=_FUSED
        )
        return self._added(inner, state, f"{prefix}output.")

    def _added(self, inner: str, state: str, prefix: str) -> str:
        """Dense layer, bias, the state it is added to, normalisation."""
        dense = self._add("MatMul", [inner, self._matrix(f"{prefix}dense.weight")])
        dense = self._add("Add", [dense, self._vector(f"{prefix}dense.bias")])
        # Not as SkipLayerNormalization, which does all of this in one, and takes longer for it.
        added = self._add("Add", [dense, state])
        return self._add("LayerNormalization", [added, *self._norm(f"{prefix}LayerNorm")])

    def _norm(self, name: str) -> list[str]:
        return [self._vector(f"{name}.weight"), self._vector(f"{name}.bias")]

    def _vector(self, name: str) -> str:
        return self._hold(name, self._weights[name])

    def _matrix(self, name: str) -> str:
        return self._hold(name, self._weights[name].T)

    def _hold(self, name: str, values: NDArray[np.float32]) -> str:
        from onnx import numpy_helper

        self._held.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def _add(
        self,
        kind: str,
        inputs: list[str],
        output: str = "",
        *,
        domain: str = "",
        **settings: Any,  # noqa: ANN401 - of the operation
    ) -> str:
        from onnx import helper

        if kind == "LayerNormalization":
            settings = {"axis": -1, "epsilon": float(self._config.layer_norm_eps)}
        output = output or f"{kind}-{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [output], domain=domain, **settings))
        return output
