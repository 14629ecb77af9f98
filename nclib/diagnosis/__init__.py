"""What the optimum means for given class counts: verdict, margins and advice, in words and data.

`prediction` has the squared error as the paper has it, `losses` every other loss, `band` both where
lambda_H is not known, `remedies` what people do about imbalance, side by side, and `validity`
whether the theory speaks about a network.

Examples
--------
>>> import nclib as nc
>>> model = nc.script_model("ham10000", weight_decay=5e-3, lambda_H=1e-5)
>>> predict(model.problem, "ham10000").verdict()[1]
'Margin: a class is lost when all penalties are multiplied by 4.47: df (115 samples).'
"""

from nclib.diagnosis.band import BAND, Band, middle_of_band, over_lambda_H
from nclib.diagnosis.leaving import Leaving, penalties_for
from nclib.diagnosis.losses import LossPrediction, first_lost, mode_limit, predict
from nclib.diagnosis.prediction import Prediction, describe, run_text
from nclib.diagnosis.remedies import Remedy, remedies
from nclib.diagnosis.validity import Observation, Outside, Validity, judge
from nclib.diagnosis.words import Loss

__all__ = [
    "BAND",
    "Band",
    "Leaving",
    "Loss",
    "LossPrediction",
    "Observation",
    "Outside",
    "Prediction",
    "Remedy",
    "Validity",
    "describe",
    "first_lost",
    "judge",
    "middle_of_band",
    "mode_limit",
    "over_lambda_H",
    "penalties_for",
    "predict",
    "remedies",
    "run_text",
]
