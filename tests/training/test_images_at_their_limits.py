"""Images and labels that are just allowed or just not, and channels without contrast."""

import re

import numpy as np
import pytest

from nclib.training.images import ImageData, imbalanced_subset, without_conflicts
from nclib.training.tensors import Normalization, to_tensors

GREY = np.zeros((4, 3, 3), np.uint8)


def images(labels, names=("a", "b"), pixels=GREY):
    return ImageData("some", pixels, np.array(labels), names)


def test_two_classes_are_the_fewest():
    assert images([0, 1, 0, 1]).K == 2
    with pytest.raises(ValueError, match="at least two classes; got 1"):
        images([0, 0, 0, 0], ("a",))


@pytest.mark.parametrize(
    ("labels", "first"),
    [
        ([0, 1, -1, 1], "labels[2] = -1"),
        ([0, 2, 0, -1], "labels[1] = 2"),
        (np.array([0, 1, 1, 2**63], dtype=np.uint64), f"labels[3] = {2**63 - 1}"),
    ],
)
def test_the_first_label_outside_is_named(labels, first):
    with pytest.raises(ValueError, match=re.escape(f"labels must be from 0 to K - 1 = 1; {first}")):
        images(labels)


def test_only_classes_that_are_short_are_named():
    with pytest.raises(ValueError, match="more than some has") as error:
        imbalanced_subset(images([0, 0, 1, 1]), [2, 3], seed=0)
    assert str(error.value).endswith("has: class 'b' has 2 of 3 (1 short)")
    assert imbalanced_subset(images([0, 0, 1, 1]), [2, 2], seed=0).N == 4


def test_an_image_of_two_labels_is_left_out_with_its_copies():
    pixels = np.array([0, 1, 0, 2], np.uint8)[:, None, None] * np.ones((1, 3, 3), np.uint8)
    assert without_conflicts(images([0, 0, 1, 1], pixels=pixels)).images[:, 0, 0].tolist() == [1, 2]
    assert without_conflicts(images([0, 1, 0, 1], pixels=pixels)).N == 4


def test_the_deviation_of_a_channel_without_contrast_is_1():
    pixels = np.zeros((4, 2, 2, 3), np.uint8)
    pixels[..., 0] = 51
    pixels[::2, ..., 1] = 255
    pixels[..., 2] = 255
    data = images([0, 1, 0, 1], pixels=pixels)
    found = Normalization.of(data)
    np.testing.assert_allclose(found.mean, [0.2, 0.5, 1.0])
    np.testing.assert_allclose(found.std, [1.0, 0.5, 1.0])
    inputs, _ = to_tensors(data, found, flat=False)
    np.testing.assert_allclose(inputs[:, 0], 0, atol=1e-6)
    np.testing.assert_allclose(inputs[0, 1], 1, rtol=1e-6)
    np.testing.assert_allclose(inputs[1, 1], -1, rtol=1e-6)
