"""Rivals and shared means by groups of classes, against all pairs of classes."""

import numpy as np
import pytest

from nclib.theory.groups import Groups, sharing_a_mean


def random_groups(rng, G, levels):
    """Groups with logits of few levels, so that there are many ties, and all pairs of classes.

    Groups of one number of `kin` come in twos: in the first a class has a lead, in the second it
    ties with all of both. A group of one class has a lead over no one.
    """
    size = rng.integers(1, 4, G)
    kin = np.arange(G)
    kin[1::3] -= 1
    rows = rng.integers(0, levels, (G, G)).astype(float)
    own = rng.integers(levels // 2, levels + 1, G).astype(float)
    lead = rng.choice([0.0, 1.0, -1.0], G, p=[0.4, 0.4, 0.2])
    lead[size == 1] = 1.0
    for tail in np.flatnonzero(kin != np.arange(G)):
        head = kin[tail]
        lead[head], lead[tail] = 1.0, 0.0
        rows[tail, head], rows[head, tail] = own[tail], own[head] - 1.0
    index = np.arange(G)
    rows[index, index] = own - lead
    group = rng.permutation(np.repeat(index, size))
    Z = rows[np.ix_(group, group)].T  # column k: the answers to a sample of class k
    np.fill_diagonal(Z, own[group])
    return group, kin, own, lead, rows, Z


def groups_of(group, kin, own, lead, rows, slack):
    return Groups(
        group=group,
        own=own,
        lead=lead,
        rows=lambda chosen: rows[chosen].copy(),
        slack=np.full(own.size, slack),
        merged=np.ones(own.size, dtype=np.int64),
        kin=kin,
    )


@pytest.mark.parametrize("levels", [3, 8, 60])
@pytest.mark.parametrize("G", [1, 2, 3, 7, 30, 300])
def test_rivals_are_those_of_all_pairs_of_classes(G, levels):
    """Three hundred groups are worked on in two blocks."""
    rng = np.random.default_rng([G, levels])
    for _ in range(1 if G > 100 else 30):
        group, kin, own, lead, rows, Z = random_groups(rng, G, levels)
        # What is less than the slack is rounding; within kin even that must not matter.
        rounding = np.where(kin[:, None] == kin, 0.5, 1e-9) * rng.choice([-0.5, 0.5], rows.shape)
        np.fill_diagonal(rounding, 0.0)
        found = groups_of(group, kin, own, lead, rows + rounding * 0.5, 1e-9).rivals
        others = Z.copy()
        np.fill_diagonal(others, -np.inf)
        strongest = others.max(axis=0)
        ties = (Z.max(axis=0) == Z).sum(axis=0)
        right = np.where(np.diag(Z) == Z.max(axis=0), 1 / ties, 0.0)
        np.testing.assert_array_equal(found.right[group], right)
        exact = groups_of(group, kin, own, lead, rows, 0.0).rivals
        np.testing.assert_array_equal(exact.right[group], right)
        np.testing.assert_array_equal(exact.logit[group], strongest)
        for k in range(group.size):
            named = [j for j in np.flatnonzero(group == exact.group[group[k]]) if j != k]
            if group.size > 1:
                assert others[named, k].max() == strongest[k]
                # Of several that tie, one of the own group or its kin.
                near = [j for j in np.flatnonzero(kin[group] == kin[group[k]]) if j != k]
                if near and others[near, k].max() == strongest[k]:
                    assert kin[exact.group[group[k]]] == kin[group[k]]


def test_logits_count_as_tied_up_to_the_slack():
    """A group of one class: own 1, two others of 1 and of 1 more and less the slack."""
    for other, right in ((1.25, 1 / 3), (0.75, 1 / 3), (1.3125, 0), (0.6875, 1)):
        rows = np.array([[0.0, other], [0.0, 0.0]])
        group, own, lead = np.array([0, 1, 1]), np.array([1.0, 1.0]), np.array([1.0, 1.0])
        found = groups_of(group, np.arange(2), own, lead, rows, 0.25).rivals
        assert found.right[0] == right
        assert found.logit[0] == other


@pytest.mark.parametrize("seed", range(20))
def test_classes_that_share_a_mean_are_those_of_all_pairs(seed):
    """Groups that keep their classes apart share theirs with none, wherever it lies."""
    rng = np.random.default_rng(seed)
    d, G = rng.integers(1, 4), rng.integers(1, 9)
    means = rng.integers(0, 3, (d, G)).astype(float)
    size, together = rng.integers(1, 4, G), rng.random(G) < 0.7
    together[size == 1] = True
    expected = [
        sum(size[h] for h in range(G) if together[h] and (means[:, g] == means[:, h]).all())
        if together[g]
        else 1
        for g in range(G)
    ]
    moved = means + 1e-9 * rng.standard_normal(means.shape)
    assert sharing_a_mean(moved, size, together, 1e-6).tolist() == expected


def test_means_are_the_same_up_to_the_rounding_of_the_largest():
    """The largest mean has length 4: with 1/8 they are the same up to a distance of 1/2."""
    size, together = np.array([1, 2, 4]), np.ones(3, dtype=bool)
    for distance, shared in ((0.5, [1, 6, 6]), (0.5625, [1, 2, 4])):
        means = np.array([[4.0, 0.0, distance]])
        assert sharing_a_mean(means, size, together, 0.125).tolist() == shared
        # Small ones are no nearer.
        assert sharing_a_mean(means * 2.0**-40, size, together, 0.125).tolist() == shared
    # All are 0, or there is no dimension left: one point.
    for means in (np.zeros((2, 3)), np.zeros((0, 3))):
        assert sharing_a_mean(means, size, together, 0.125).tolist() == [7, 7, 7]
