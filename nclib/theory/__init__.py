"""The theory: class counts, the model, its spectrum, the one rule and the minimisers."""
