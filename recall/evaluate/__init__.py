"""How well the links of a vault are found again once they are hidden: `recall eval`.

`masking` says which links go and what is left, `unlinking` takes them out of a text, `run` asks for
them, `metrics` judges the answers. The notes of the user are only read.
"""

from recall.evaluate.run import Evaluation, Method, Miss, evaluate

__all__ = ["Evaluation", "Method", "Miss", "evaluate"]
