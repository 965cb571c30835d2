"""May it run? Guest versions against ROM versions against ages of hypervisors: predicted, and observed."""

from vmirom.compat.matrix.cells import Cell, Verdict, matrix
from vmirom.compat.matrix.eras import Era, eras
from vmirom.compat.matrix.needs import NEEDS, Need
from vmirom.compat.matrix.observe import observe
from vmirom.compat.matrix.predict import Prediction, predict

__all__ = [
    "NEEDS",
    "Cell",
    "Era",
    "Need",
    "Prediction",
    "Verdict",
    "eras",
    "matrix",
    "observe",
    "predict",
]
