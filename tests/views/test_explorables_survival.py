"""The explorables of survival and of the one rule: every cell of their tables another way."""

import numpy as np
from every_explorable import ECOLI, explorable

import nclib as nc
from nclib.views import explorables


def columns(name):
    return {column: np.array(cells) for column, cells in explorable(name).table.items()}


class TestSurvival:
    """Against the one rule applied to the roots of the counts, and thresholds found by trying."""

    def test_the_counts_are_long_tailed(self, compare):
        table = columns("survival")
        power = -(table["class"] - 1) / 9
        # Whole samples: exactly 500 / ratio at the end.
        expected = np.floor(500 * table["ratio"] ** power + 1e-9)
        np.testing.assert_array_equal(table["n"], expected)

    def problem(self, n, depth, lam):
        return nc.Problem(n, depth, bias=False, lambda_W=lam, lambda_H=lam)

    def test_the_share_kept_of_each_class(self, compare):
        table = columns("survival")
        keys = zip(table["ratio"], table["L"], table["lambda"], strict=True)
        rows = {}
        for row, key in enumerate(keys):
            rows.setdefault(key, []).append(row)
        expected = np.empty(len(table["n"]))
        for (_, depth, lam), at in rows.items():
            n = table["n"][at]
            assert n.size == 10
            root = np.sqrt(n)
            expected[at] = nc.shrink(root, self.problem(n, int(depth), lam)) / root
        compare("survival, kept", table["kept"], expected)

    def test_the_share_kept_is_what_the_weights_give(self):
        """Explicit matrices: what a class's samples get back for their label."""
        table = columns("survival")
        for ratio, depth, lam in [(10, 3, 0.00519), (100, 1, 0.00102), (5, 6, 0.0002)]:
            here = (table["ratio"] == ratio) & (table["L"] == depth) & (table["lambda"] == lam)
            best = nc.global_minimizer(self.problem(table["n"][here], depth, lam))
            Ws, H, _ = best.weights()
            for W in Ws:
                H = W @ H
            np.testing.assert_allclose(np.diag(H), table["kept"][here], rtol=1e-5, atol=1e-12)

    def test_each_class_dies_where_it_is_said_to(self):
        table = columns("survival")
        first = table["lambda"] == table["lambda"].min()
        for n, depth, dies, ratio in zip(
            *(table[name][first] for name in ("n", "L", "dies", "ratio")), strict=True
        ):
            counts = nc.ClassCounts.exponential(10, 500, int(ratio))
            for factor, alive in ((1 - 2e-5, True), (1 + 2e-5, False)):
                z = nc.shrink(np.sqrt(n), self.problem(counts, int(depth), factor * dies))
                assert bool(z > 0) == alive
        np.testing.assert_array_equal(table["kept"] > 0, table["lambda"] < table["dies"])

    def test_before_its_death_a_class_keeps_the_share_of_lemma_a2(self, compare):
        table = columns("survival")
        compare("survival, death", table["kept_before_death"], (table["L"] - 1) / table["L"])

    def test_rare_classes_die_first_and_the_sooner_the_more_uneven_the_counts(self):
        table = columns("survival")
        first = table["lambda"] == table["lambda"].min()
        dies = table["dies"][first].reshape(7, 6, 10)  # ratio, L, class
        assert (dies[0] == dies[0, :, :1]).all()
        assert (np.diff(dies[1:]) < 0).all()
        spread = dies[..., 0] / dies[..., -1]
        assert (np.diff(spread, axis=0) > 0).all()

    def test_the_sentence_counts_what_survives(self):
        table = columns("survival")
        names = ("ratio", "L", "lambda")
        for state, sentence in explorable("survival").summaries.items():
            here = np.logical_and.reduce(
                [table[name] == value for name, value in zip(names, state, strict=True)]
            )
            kept, n = table["kept"][here], table["n"][here]
            alive = int((kept > 0).sum())
            if alive == 0:
                assert sentence == "No class survives."
                continue
            assert sentence.startswith(f"{'All 10' if alive == 10 else f'{alive} of 10'} class")
            # What is neither none nor all of it is not written as 0 % or 100 %.
            least = min(max(100 * kept[kept > 0].min(), 1), 99)
            assert f"keeps {least:.0f} %" in sentence
            if alive < 10:
                assert f"Every class with {n[kept == 0].max()} samples or fewer" in sentence


class TestOneRule:
    """Against Lemma A.2 in the paper's variables, and the labels' dense singular values."""

    def test_kappa_is_the_dense_spectrum_and_a_grid(self, compare):
        table = columns("one-rule")
        dense = np.linalg.svd(nc.effective_label_matrix(ECOLI), compute_uv=False)[:-1]
        modes = table["kappa"][table["part"] == "mode"].reshape(-1, 7)
        compare("one rule, kappa", modes, dense)
        curve = table["kappa"][table["part"] == "curve"].reshape(-1, 61)
        compare("one rule, curve", curve, np.arange(61) / 60 * 1.08 * dense[0])

    def test_z_is_the_minimiser_of_lemma_a2(self, compare):
        table = columns("one-rule")
        depth, lam = table["L"], table["lambda"]
        exact = np.concatenate(
            [
                np.arange(61) / 60 * 1.08 * np.sqrt(nc.Spectrum(ECOLI).kappa[0] ** 2),
                np.linalg.svd(nc.effective_label_matrix(ECOLI), compute_uv=False)[:-1],
            ]
        )
        kappa = np.resize(exact, depth.size)
        expected = np.zeros(depth.size)
        for L in range(1, 7):
            rows = (depth == L) & (kappa > 0)
            size = (ECOLI.N * lam[rows] ** (L + 1)) ** (1 / L)
            power = nc.theory.lemma_a2_minimizer(L * ECOLI.N * size / kappa[rows] ** 2, L) ** L
            expected[rows] = kappa[rows] * power / (1 + power)
        compare("one rule, z", table["z"], expected)

    def test_the_threshold_is_that_of_lemma_a2(self, compare):
        table = columns("one-rule")
        depth, lam = table["L"], table["lambda"]
        size = (ECOLI.N * lam ** (depth + 1.0)) ** (1 / depth)
        limit = np.array([nc.theory.lemma_a2_threshold(L) for L in range(1, 7)])[depth - 1]
        expected = np.sqrt(depth * ECOLI.N * size / limit)
        compare("one rule, threshold", table["threshold"], expected)
        compare("one rule, jump", table["z_at_threshold"], expected * (depth - 1) / depth)
        np.testing.assert_array_equal(table["z"] > 0, table["kappa"] > table["threshold"])

    def test_more_layers_keep_more_of_fewer_modes(self):
        """What chapter 2 says of the state that readers find."""
        table = columns("one-rule")
        default = explorable("one-rule").sliders[1].default
        here = (table["lambda"] == default) & (table["part"] == "mode")
        z = table["z"][here].reshape(6, 7)
        assert (z > 0).sum(axis=1).tolist() == [5, 4, 4, 4, 4, 4]
        assert (np.diff(z[:, :4], axis=0) > 0).all()

    def test_the_sentence_counts_what_is_alive(self):
        table = columns("one-rule")
        for (L, lam), sentence in explorable("one-rule").summaries.items():
            here = (table["L"] == L) & (table["lambda"] == lam) & (table["part"] == "mode")
            alive = int((table["z"][here] > 0).sum())
            assert sentence.startswith(f"{alive} of 7 modes" if alive else "No mode is alive")
            if alive:
                says = "starts from 0" if L == 1 else f"0 to {100 * (L - 1) / L:.0f} % of κ"
                assert sentence.endswith(f"the answer {'' if L == 1 else 'jumps from '}{says}.")

    def test_modes_of_classes_of_one_sample_count(self):
        # Among classes of n samples each, modes have kappa = sqrt(n).
        shown = explorables.one_rule(nc.ClassCounts([9, 1, 1]))
        first = shown.sliders[1].values[0]
        assert shown.summaries[1, first].startswith("2 of 2 modes are alive")
