"""What a guest sees of its calls, in plain Python: the contract's semantics without any ROM or hypervisor.

One file a subject; ``machine.Model`` puts them together. A model says of each call what the contract promises
of its answer and leaves open what it leaves open, so that one model fits every backend.
"""

from vmirom.conform.model.machine import Model, Traits
from vmirom.conform.model.steps import Expected, Result, Step, place

__all__ = ["Expected", "Model", "Result", "Step", "Traits", "place"]
