"""Real images: what is read, what is drawn from it, how it is normalised, and what is refused."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import nclib as nc
from nclib.training.data import (
    ImageData,
    Normalization,
    imbalanced_subset,
    load_images,
    to_tensors,
    without_conflicts,
)


def noise(per_class, shape=(4, 5), seed=0):
    """Random images, shuffled, a given number of each class."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(len(per_class)), per_class))
    images = rng.integers(0, 256, size=(labels.size, *shape), dtype=np.uint8)
    return ImageData("noise", images, labels, tuple(f"class {k}" for k in range(len(per_class))))


# ---------------------------------------------------------------- ImageData


def test_image_data_says_what_it_is():
    data = noise([3, 5], (4, 5, 3))
    assert (data.K, data.N) == (2, 8)
    assert data.counts == nc.ClassCounts([3, 5], names=("class 0", "class 1"))
    assert repr(data) == "ImageData('noise': 8 RGB images, 4 x 5, K=2 classes of 3 to 5)"
    assert data.labels.dtype == np.int64


def test_image_data_is_read_only_and_leaves_the_callers_arrays_alone():
    images, labels = np.zeros((2, 3, 3), np.uint8), np.array([0, 1])
    data = ImageData("zeros", images, labels, ("a", "b"))
    assert np.shares_memory(data.images, images)
    for array in (data.images, data.labels):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    images[0] = 1
    labels[0] = 1


def test_counts_name_a_class_without_images():
    data = ImageData("few", np.zeros((2, 3, 3), np.uint8), np.array([0, 2]), ("a", "b", "c"))
    with pytest.raises(ValueError, match="few: no images of class 'b'"):
        _ = data.counts


def test_take_keeps_the_classes():
    data = noise([3, 5])
    some = data.take([6, 1])
    np.testing.assert_array_equal(some.images, data.images[[6, 1]])
    np.testing.assert_array_equal(some.labels, data.labels[[6, 1]])
    assert some.class_names == data.class_names
    assert data.take(data.labels == 1).N == 5


GREY = np.zeros((4, 3, 3), np.uint8)
LABELS = np.array([0, 1, 0, 1])
AB = ("a", "b")


@pytest.mark.parametrize(
    ("images", "labels", "names", "error", "message"),
    [
        (GREY / 2, LABELS, AB, TypeError, "images must be uint8.*float64; scale"),
        (GREY.astype(int), LABELS, AB, TypeError, "images must be uint8.*int64"),
        (GREY.tolist(), LABELS, AB, TypeError, "images must be a numpy array; got list"),
        (GREY[0], LABELS, AB, ValueError, r"images must have shape.*\(3, 3\)"),
        (GREY[..., None], LABELS, AB, ValueError, r"images must have shape.*\(4, 3, 3, 1\)"),
        (GREY[:0], LABELS[:0], AB, ValueError, r"images must have shape.*\(0, 3, 3\)"),
        (GREY[:, :0], LABELS, AB, ValueError, r"images must have shape.*\(4, 0, 3\)"),
        (GREY, LABELS[:3], AB, ValueError, r"labels must be one for each of the 4 .*\(3,\)"),
        (GREY, LABELS[:, None], AB, ValueError, r"labels must be one for each.*\(4, 1\)"),
        (GREY, LABELS * 1.0, AB, TypeError, "labels must be whole numbers.*float64"),
        (GREY, LABELS * np.nan, AB, TypeError, "labels must be whole numbers.*float64"),
        (GREY, LABELS == 1, AB, TypeError, "labels must be whole numbers.*bool"),
        (GREY, ["a", "b", "a", "b"], AB, TypeError, "labels must be whole numbers"),
        (GREY, LABELS + 1, AB, ValueError, r"from 0 to K - 1 = 1; labels\[1\] = 2"),
        (GREY, LABELS - 1, AB, ValueError, r"from 0 to K - 1 = 1; labels\[0\] = -1"),
        (GREY, LABELS.astype(np.uint64) + 2**63, AB, ValueError, "from 0 to K - 1"),
        (GREY, LABELS, ("a", "a"), ValueError, "names must be distinct"),
        (GREY, LABELS, ("a",), ValueError, "at least two classes"),
        (GREY, LABELS, (1, 2), TypeError, "names must be strings"),
    ],
)
def test_bad_images_labels_and_names_are_refused(images, labels, names, error, message):
    with pytest.raises(error, match=message):
        ImageData("bad", images, labels, names)


# ---------------------------------------------------------------- the digits


def test_digits_are_those_of_scikit_learn_split_by_a_fixed_rule():
    sklearn_datasets = pytest.importorskip("sklearn.datasets")
    digits = sklearn_datasets.load_digits()
    train, test = load_images(), load_images(split="test")
    assert (train.N, test.N, train.K) == (1442, 355, 10)
    assert train.class_names == tuple("0123456789")
    for k in range(10):
        of_class = digits.images[digits.target == k]
        is_test = np.arange(len(of_class)) % 5 == 4
        np.testing.assert_array_equal(train.images[train.labels == k], 15 * of_class[~is_test])
        np.testing.assert_array_equal(test.images[test.labels == k], 15 * of_class[is_test])


def test_the_digits_need_no_torch():
    code = (
        "import sys; from nclib.training.data import load_images; load_images('digits'); "
        "print([m for m in ('torch', 'torchvision', 'PIL.Image') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_a_missing_package_is_named_with_what_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision.datasets", None)
    with pytest.raises(ImportError) as caught:
        load_images("cifar10")
    assert str(caught.value).endswith(
        "'cifar10' needs the package torchvision: "
        'pip install ".[train]" in a copy of the repository'
    )


@pytest.mark.parametrize("source", ["digits", "cifar10", "fashion-mnist", "emnist-letters"])
def test_named_sets_have_a_train_and_a_test_split_only(source):
    with pytest.raises(ValueError, match=r"split of .* must be 'train' or 'test'; got 'val'"):
        load_images(source, split="val")


@pytest.mark.parametrize("source", ["cifar", "no/such.npz", "no/such/folder"])
def test_an_unknown_source_is_told_what_there_is(source):
    with pytest.raises(FileNotFoundError, match=rf"'digits', 'cifar10', .*got '{source}'"):
        load_images(source)


@pytest.mark.parametrize(("source", "split"), [(3, "train"), (None, "train"), ("digits", 1)])
def test_source_and_split_have_their_types(source, split):
    with pytest.raises(TypeError, match=r"source must be a name|split must be a string"):
        load_images(source, split=split)


# ---------------------------------------------------------------- imbalanced subsets


def test_subset_has_the_counts_and_repeats_no_image():
    data = noise([40, 30, 50])
    marked = ImageData(
        "marked", np.arange(120, dtype=np.uint8)[:, None, None], data.labels, ("a", "b", "c")
    )
    subset = imbalanced_subset(marked, [5, 30, 17], seed=3)
    assert subset.counts.n.tolist() == [5, 30, 17]
    drawn = subset.images.ravel()
    assert np.unique(drawn).size == 52
    assert (np.diff(drawn.astype(int)) > 0).all()  # in the order of the data
    np.testing.assert_array_equal(subset.labels, data.labels[drawn])


def test_subset_depends_on_the_seed_alone():
    data = noise([40, 30, 50])
    counts = [5, 20, 17]
    one = imbalanced_subset(data, counts, seed=3).images
    np.testing.assert_array_equal(one, imbalanced_subset(data, counts, seed=3).images)
    np.testing.assert_array_equal(one, imbalanced_subset(data, counts, seed=np.int64(3)).images)
    np.testing.assert_array_equal(
        one, imbalanced_subset(data, counts, seed=np.random.default_rng(3)).images
    )
    assert not np.array_equal(one, imbalanced_subset(data, counts, seed=4).images)


def test_subset_is_this_one_on_every_machine_and_version():
    """Drawn from raw bits of PCG64, whose stream numpy never changes."""
    labels = np.repeat([0, 1], 10)
    marked = ImageData("marked", np.arange(20, dtype=np.uint8)[:, None, None], labels, AB)
    drawn = imbalanced_subset(marked, [3, 2], seed=0).images.ravel().tolist()
    keys = np.random.PCG64(0).random_raw(20)
    assert drawn == sorted([*np.argsort(keys[:10])[:3], *(10 + np.argsort(keys[10:])[:2])])
    assert drawn == [1, 2, 3, 11, 13]


def test_a_class_keeps_its_images_when_more_are_asked_of_it_or_of_others():
    data = noise([40, 30, 50])

    def drawn(counts, k):
        subset = imbalanced_subset(data, counts, seed=1)
        return {image.tobytes() for image in subset.images[subset.labels == k]}

    assert drawn([5, 20, 17], 0) < drawn([9, 3, 50], 0)
    assert drawn([5, 20, 17], 1) == drawn([9, 20, 50], 1)


def test_every_image_is_drawn_equally_often():
    data = noise([20, 5])
    marked = ImageData("marked", np.arange(25, dtype=np.uint8)[:, None, None], data.labels, AB)
    draws = 2000
    times = np.zeros(25)
    for seed in range(draws):
        times[imbalanced_subset(marked, [5, 5], seed=seed).images.ravel()] += 1
    expected = draws * 5 / 20
    deviation = np.sqrt(draws * 0.25 * 0.75)
    assert np.abs(times[data.labels == 0] - expected).max() < 4 * deviation
    assert (times[data.labels == 1] == draws).all()


def test_subset_says_which_class_is_short_and_by_how_many():
    data = noise([40, 30, 50])
    with pytest.raises(ValueError, match=r"noise has: class 'class 1' has 30 of 37 \(7 short\)"):
        imbalanced_subset(data, [5, 37, 50], seed=0)
    many = noise([1] * 9)
    with pytest.raises(ValueError, match=r"'class 4' has 1 of 2 \(1 short\) and 4 more classes"):
        imbalanced_subset(many, [2] * 9, seed=0)


def test_subset_wants_one_count_for_each_class_and_the_same_names():
    data = noise([4, 3, 5])
    with pytest.raises(ValueError, match="one entry for each of the 3 classes of noise; got 2"):
        imbalanced_subset(data, [1, 1], seed=0)
    names = ["class 0", "class 2", "class 1"]
    with pytest.raises(ValueError, match="class 1 is 'class 1', not 'class 2'"):
        imbalanced_subset(data, nc.ClassCounts([1, 2, 3], names), seed=0)
    assert imbalanced_subset(data, data.counts, seed=0).N == 12


@pytest.mark.parametrize("seed", [None, 1.5, "1", True, -1])
def test_subset_wants_a_seed(seed):
    with pytest.raises(ValueError, match="seed must be a whole number, at least 0; got"):
        imbalanced_subset(noise([4, 3]), [1, 1], seed=seed)


# ---------------------------------------------------------------- images under two labels


def test_without_conflicts_leaves_out_every_copy_that_disagrees():
    images = np.array([7, 8, 7, 9, 8, 8], np.uint8)[:, None, None].repeat(3, axis=2)
    data = ImageData("dots", images, np.array([0, 1, 0, 1, 1, 0]), AB)
    kept = without_conflicts(data)
    assert kept.images[:, 0, 0].tolist() == [7, 7, 9]
    assert kept.labels.tolist() == [0, 0, 1]


def test_without_conflicts_looks_at_every_pixel():
    data = noise([30, 30], (2, 2, 3))
    images = data.images.copy()
    images[1] = images[0]
    images[1, -1, -1, -1] ^= 1
    labels = np.where(np.arange(60) == 0, 0, 1)
    assert without_conflicts(ImageData("one pixel", images, labels, AB)).N == 60
    images[1] = images[0]
    assert without_conflicts(ImageData("none", images, labels, AB)).N == 58


# ---------------------------------------------------------------- normalisation, tensors


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 3)])
def test_normalization_is_the_mean_and_deviation_of_each_channel(shape):
    data = noise([30, 20], shape)
    normalization = Normalization.of(data)
    pixels = data.images.reshape(-1, 3 if len(shape) == 3 else 1) / 255
    np.testing.assert_allclose(normalization.mean, pixels.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(normalization.std, pixels.std(axis=0), rtol=1e-12)


def test_normalization_over_several_blocks(monkeypatch):
    data = noise([30, 20], (4, 5, 3))
    whole = Normalization.of(data)
    monkeypatch.setattr("nclib.training.tensors._BLOCK", 7)
    np.testing.assert_array_equal(Normalization.of(data).std, whole.std)


def test_tensors_are_normalised_by_the_training_set_alone():
    train, test = noise([30, 20], (4, 5, 3)), noise([3, 2], (4, 5, 3), seed=9)
    normalization = Normalization.of(train)
    inputs, labels = to_tensors(test, normalization, flat=False)
    assert inputs.shape == (5, 3, 4, 5)
    assert inputs.dtype == torch.float32
    assert inputs.is_contiguous()
    assert labels.dtype == torch.int64
    np.testing.assert_array_equal(labels.numpy(), test.labels)
    expected = (test.images / 255 - normalization.mean) / normalization.std
    np.testing.assert_allclose(inputs.numpy(), expected.transpose(0, 3, 1, 2), atol=1e-6)
    own, _ = to_tensors(train, normalization, flat=False)
    np.testing.assert_allclose(own.double().mean(dim=(0, 2, 3)), 0, atol=1e-6)
    np.testing.assert_allclose(own.double().std(dim=(0, 2, 3), correction=0), 1, rtol=1e-6)


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 3)])
def test_flat_rows_run_channel_by_channel(shape):
    data = noise([3, 2], shape)
    normalization = Normalization.of(data)
    stacked, _ = to_tensors(data, normalization, flat=False)
    rows, _ = to_tensors(data, normalization)
    assert rows.shape == (5, stacked[0].numel())
    assert torch.equal(rows, stacked.reshape(5, -1))


def test_a_channel_without_contrast_becomes_zero():
    images = noise([3, 2], (4, 5, 3)).images.copy()
    images[..., 1] = 200
    data = ImageData("flat green", images, np.array([0, 0, 0, 1, 1]), AB)
    inputs, _ = to_tensors(data, Normalization.of(data), flat=False)
    np.testing.assert_allclose(inputs[:, 1], 0, atol=1e-6)
    assert torch.isfinite(inputs).all()


def test_tensors_do_not_share_memory_with_the_images():
    data = noise([3, 2])
    before = data.images.copy()
    inputs, labels = to_tensors(data, Normalization.of(data))
    inputs.zero_()
    labels.zero_()
    np.testing.assert_array_equal(data.images, before)
    assert data.labels.any()


def test_normalization_must_have_the_channels_of_the_images():
    with pytest.raises(ValueError, match="normalization must have 3 channels like noise; got 1"):
        to_tensors(noise([3, 2], (4, 5, 3)), Normalization.of(noise([3, 2])))


@given(st.lists(st.integers(1, 6), min_size=2, max_size=6), st.integers(0, 2**64 - 1), st.data())
def test_any_subset_that_fits_is_drawn(per_class, seed, draw):
    data = noise(per_class)
    counts = [draw.draw(st.integers(1, n)) for n in per_class]
    assert imbalanced_subset(data, counts, seed=seed).counts.n.tolist() == counts
