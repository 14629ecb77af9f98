"""A result is that of the very images: others of the same name, or changed ones, have their own."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from nclib.training import experiments, image_sources, results
from nclib.training.data import content_digest, load_images, load_splits
from nclib.training.engine import TrainingConfig
from nclib.training.experiments import (
    Experiment,
    SweepError,
    load_results,
    on_images,
    result_path,
    run,
    sweep,
)

CONFIG = TrainingConfig(depth=1, lambda_W=5e-3, lambda_H=1e-4, width=8, epochs=2)
PLAN = Experiment("dots", [20, 10, 5], CONFIG)


def arrays(seed=0, size=4):
    rng = np.random.default_rng(seed)
    return {
        "images": rng.integers(0, 256, (300, size, size), dtype=np.uint8),
        "labels": np.repeat([0, 1, 2], 100),
        "class_names": np.array(["a", "b", "c"]),
        "split": np.array((["train"] * 80 + ["test"] * 20) * 3),
    }


def npz(folder, save=np.savez, **content):
    folder.mkdir(parents=True, exist_ok=True)
    save(folder / "dots.npz", **content)
    return folder / "dots.npz"


def folder_of_images(place, content):
    """The same as an archive's content, as PNG files."""
    for n, image in enumerate(content["images"]):
        name = content["class_names"][content["labels"][n]]
        path = place / "dots" / content["split"][n] / name / f"{n:04d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    return place / "dots"


def quick(images, folder, plan=PLAN):
    return run(plan, folder, images=images, progress=False)


def numbers(result):
    return [entry["objective"] for entry in result.history]


def changed(what):
    """Archives that differ from `arrays()` in one thing."""
    content = arrays()
    if what == "one pixel":
        content["images"][7, 0, 0] ^= 1
    elif what == "one test pixel":
        content["images"][90, 0, 0] ^= 1
    elif what == "two labels":
        content["labels"][[0, 100]] = content["labels"][[100, 0]]
    elif what == "the order":
        content["images"][:80] = content["images"][:80][::-1]
    elif what == "a name":
        content["class_names"][2] = "d"
    elif what == "the split":
        content["split"][79], content["split"][80] = "test", "train"
    elif what == "no split":
        del content["split"]
    elif what == "the shape":
        content["images"] = content["images"].reshape(300, 2, 8)
    elif what == "colour":
        content["images"] = np.repeat(content["images"][..., None], 3, axis=3)
    return content


WHATS = [
    "one pixel", "one test pixel", "two labels", "the order", "a name", "the split", "no split",
    "the shape", "colour",
]  # fmt: skip


@pytest.mark.parametrize("what", WHATS)
def test_whatever_differs_has_another_digest(tmp_path, what):
    one, other = npz(tmp_path / "a", **arrays()), npz(tmp_path / "b", **changed(what))
    assert content_digest(*load_splits(one)) != content_digest(*load_splits(other))


def test_the_same_images_have_one_digest_however_they_are_stored(tmp_path):
    content = arrays()
    stored = [
        npz(tmp_path / "a", **content),
        npz(tmp_path / "b", np.savez_compressed, **content),
        npz(tmp_path / "c", **content | {"labels": content["labels"].astype(np.int16)}),
        npz(tmp_path / "d", **content | {"images": np.asfortranarray(content["images"])}),
        npz(tmp_path / "e", **content | {"of_no_account": np.arange(3)}),
        folder_of_images(tmp_path / "f", content),
    ]
    assert len({content_digest(*load_splits(path)) for path in stored}) == 1


def test_what_is_not_there_is_another_thing_than_what_is_empty(tmp_path):
    train, test = load_splits(npz(tmp_path, **arrays()))
    digests = [
        content_digest(train, test),
        content_digest(train),
        content_digest(test, train),
        content_digest(train, train),
    ]
    assert len(set(digests)) == 4


def test_two_files_of_one_name_have_two_results(tmp_path):
    one, other = npz(tmp_path / "a", **arrays(0)), npz(tmp_path / "b", **arrays(1))
    first, second = (quick(path, tmp_path / "same") for path in (one, other))
    assert numbers(first) != numbers(second)
    assert numbers(second) == numbers(quick(other, tmp_path / "alone"))
    assert first.experiment.digest == content_digest(*load_splits(one))
    assert first.experiment == replace(PLAN, digest=first.experiment.digest)
    # Each is found again, and no third is made.
    for path, result in ((one, first), (other, second)):
        assert numbers(quick(path, tmp_path / "same")) == numbers(result)
    assert len(load_results(tmp_path / "same")) == 2


def test_a_file_and_a_folder_of_one_name(tmp_path, monkeypatch):
    file = npz(tmp_path / "a", **arrays(0))
    folder = folder_of_images(tmp_path / "b", arrays(1))
    same = folder_of_images(tmp_path / "c", arrays(0))
    first, second = (quick(path, tmp_path / "same") for path in (file, folder))
    assert numbers(first) != numbers(second)
    # A folder of the very images has been trained on.
    monkeypatch.setattr(experiments, "train", None)
    assert numbers(quick(same, tmp_path / "same")) == numbers(first)


@pytest.mark.parametrize("kind", ["a file", "a folder"])
def test_images_that_have_changed_are_trained_on_anew(tmp_path, kind):
    def stored(content):
        return (npz if kind == "a file" else folder_of_images)(
            tmp_path / "in", **content if kind == "a file" else {"content": content}
        )

    path = stored(arrays())
    before = quick(path, tmp_path / "out")
    assert stored(changed("one pixel")) == path
    after = quick(path, tmp_path / "out")
    assert before.experiment.digest != after.experiment.digest
    assert len(load_results(tmp_path / "out")) == 2


@pytest.mark.parametrize("given", [str, lambda path: path])
def test_a_file_that_is_called_like_a_known_data_set(tmp_path, monkeypatch, given):
    """Neither is taken for the other, even where the file lies in the current folder."""
    path = npz(tmp_path, **arrays()).rename(tmp_path / "digits.npz")
    (tmp_path / "digits").symlink_to(folder_of_images(tmp_path / "pictures", arrays()))
    monkeypatch.chdir(tmp_path)
    plan = replace(PLAN, data="digits")
    ours = quick(path, tmp_path / "out", plan)
    folder = quick(given((tmp_path / "digits").relative_to(tmp_path)), tmp_path / "out", plan)
    assert numbers(folder) == numbers(ours)
    known = run(Experiment("digits", [9] * 10, CONFIG), tmp_path / "out", progress=False)
    assert known.experiment.digest is None
    assert known.samples["test"] == 355
    assert ours.samples["test"] == 60


def test_the_digits_are_known_by_their_checksum(monkeypatch):
    from sklearn import datasets

    digits = datasets.load_digits()
    digits.images[5, 0, 0] += 1
    monkeypatch.setattr(datasets, "load_digits", lambda: digits)
    with pytest.raises(ValueError, match="digits are damaged or have changed"):
        load_images("digits")


def test_a_name_that_is_none_of_the_known_ones_is_never_taken_for_a_path(tmp_path, monkeypatch):
    npz(tmp_path, **arrays())
    folder_of_images(tmp_path, arrays())
    monkeypatch.chdir(tmp_path)
    for plan in (PLAN, replace(PLAN, data="dots.npz"), replace(PLAN, digest="0" * 64)):
        with pytest.raises(ValueError, match="images must be the file or folder 'dots"):
            run(plan, tmp_path / "out", progress=False)
    # Nor is what was trained on a file taken for the data set that the file is called like.
    with pytest.raises(ValueError, match="images must be the file or folder 'digits'"):
        run(
            replace(PLAN, data="digits", digest="0" * 64, counts=[9] * 10),
            tmp_path / "out", progress=False,
        )  # fmt: skip


def test_a_stored_result_is_found_by_its_digest_without_the_images(tmp_path, monkeypatch):
    result = quick(npz(tmp_path, **arrays()), tmp_path / "out")
    (tmp_path / "dots.npz").unlink()
    monkeypatch.setattr(image_sources, "read_npz", None)
    assert numbers(run(result.experiment, tmp_path / "out")) == numbers(result)
    assert sweep([result.experiment], tmp_path / "out", images=tmp_path / "dots.npz")


def test_other_images_than_those_of_the_digest_are_refused(tmp_path):
    one, other = npz(tmp_path / "a", **arrays(0)), npz(tmp_path / "b", **arrays(1))
    (planned,) = on_images([PLAN], one)
    with pytest.raises(ValueError, match=r"images must be those of the experiment, .* has changed"):
        quick(other, tmp_path / "out", planned)
    with pytest.raises(ValueError, match="images must be those of the experiment"):
        on_images([PLAN, planned], other)
    with pytest.raises(ValueError, match="images must be those that the experiment names"):
        on_images([replace(PLAN, data="others")], one)
    # Nor the very images under another name.
    with pytest.raises(ValueError, match="images must be those that the experiment names"):
        quick(one.rename(tmp_path / "spots.npz"), tmp_path / "out", planned)


def test_a_file_that_changes_during_a_sweep_is_noticed(tmp_path, monkeypatch):
    path = npz(tmp_path, **arrays(0))
    train = experiments.train

    def meanwhile(*arguments, **options):
        npz(tmp_path, **arrays(1))
        return train(*arguments, **options)

    monkeypatch.setattr(experiments, "train", meanwhile)
    plans = [replace(PLAN, config=replace(CONFIG, seed=seed)) for seed in range(2)]
    with pytest.raises(SweepError, match=r"1 of 2 failed:.*\n.*it has changed"):
        sweep(plans, tmp_path / "out", images=path, progress=False)
    (result,) = load_results(tmp_path / "out")
    assert result.experiment.config.seed == 0


def test_sweeps_over_two_files_of_one_name(tmp_path):
    paths = [npz(tmp_path / name, **arrays(seed)) for seed, name in enumerate("ab")]
    plans = [replace(PLAN, config=replace(CONFIG, seed=seed)) for seed in range(2)]
    both = [sweep(plans, tmp_path / "out", images=path, progress=False) for path in paths]
    assert len(load_results(tmp_path / "out")) == 4
    assert len({tuple(numbers(result)) for results in both for result in results}) == 4
    titles = list(experiments.by_sweep(both[0] + both[1]))
    assert len(titles) == 2
    for title, (result, _) in zip(titles, both, strict=True):
        hash_of_digest = results._short(result.experiment.digest)
        assert title == f"dots-35of3-bias-W0.005-H0.0001-w8-e2, digest {hash_of_digest}"


def test_an_interrupted_run_on_other_images_is_not_gone_on_with(tmp_path, monkeypatch):
    """Of the same name and shape, so that nothing but the content tells them apart."""
    one, other = npz(tmp_path / "a", **arrays(0)), npz(tmp_path / "b", **arrays(1))
    train = experiments.train

    def interrupted(*arguments, **options):
        train(*arguments, **options | {"checkpoint_epochs": 1})
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(experiments, "train", interrupted)
        with pytest.raises(KeyboardInterrupt):
            quick(one, tmp_path / "out")
    (begun,) = (tmp_path / "out" / ".checkpoints").iterdir()
    result = quick(other, tmp_path / "out")
    assert numbers(result) == numbers(quick(other, tmp_path / "alone"))
    # That of the first is still there, and refuses other images even under its own name.
    (planned,) = on_images([PLAN], other)
    result_path(planned, tmp_path / "out").unlink()
    begun.rename(begun.with_name(planned.name))
    with pytest.raises(ValueError, match="checkpoints of another run: data ="):
        quick(other, tmp_path / "out")


def test_wrong_test_images_are_not_passed_over(tmp_path):
    """A split that is there but can't be read is not the same as none."""
    folder = folder_of_images(tmp_path, arrays())
    damaged = next(iter((folder / "test" / "b").iterdir()))
    damaged.write_bytes(damaged.read_bytes()[:30])
    with pytest.raises(ValueError, match=damaged.name):
        quick(folder, tmp_path / "out")


# ---------------------------------------------------------------- what a run trains and tests on


@pytest.fixture
def given_to_train(monkeypatch):
    """What `run` hands to `train`."""
    seen = {}
    train = experiments.train

    def watched(config, samples, labels, *, test, **options):
        seen.update(train=(samples, labels), test=test)
        return train(config, samples, labels, test=test, **options)

    monkeypatch.setattr(experiments, "train", watched)
    return seen


@pytest.mark.parametrize("backbone", ["mlp", "conv"])
def test_all_images_are_normalised_by_those_that_are_trained_on(tmp_path, given_to_train, backbone):
    """By mean and deviation of each channel, over the training images that were drawn, alone."""
    content = changed("colour")
    # Other brightness in the channels, in the test images, and in what is not drawn.
    images = content["images"].astype(float) * [1, 0.5, 0.2]
    images[content["split"] == "test"] = 200 + 0.1 * images[content["split"] == "test"]
    images[content["labels"] == 2] *= 0.5
    content["images"] = images.astype(np.uint8)
    path = npz(tmp_path, **content)
    plan = replace(PLAN, config=replace(CONFIG, backbone=backbone))
    quick(path, tmp_path / "out", plan)

    def pixels(x):
        return x.numpy().reshape(len(x), 3, -1).astype(float)

    x, y = given_to_train["train"]
    np.testing.assert_allclose(pixels(x).mean(axis=(0, 2)), 0, atol=1e-6)
    np.testing.assert_allclose(pixels(x).std(axis=(0, 2)), 1, atol=1e-6)
    # Which ones were drawn, by their pixels: the transformation is one for each channel.
    raw = content["images"].transpose(0, 3, 1, 2).reshape(300, 3, -1) / 255
    ranks = {image[0].argsort(kind="stable").tobytes() + bytes([k]): image
             for image, k in zip(raw, content["labels"], strict=True)}  # fmt: skip
    drawn = np.stack([
        ranks[image[0].argsort(kind="stable").tobytes() + bytes([k])]
        for image, k in zip(pixels(x), y.numpy(), strict=True)
    ])  # fmt: skip
    mean, std = drawn.mean(axis=(0, 2)), drawn.std(axis=(0, 2))
    x_test, y_test = given_to_train["test"]
    of_test = content["split"] == "test"
    expected = (raw[of_test] - mean[:, None]) / std[:, None]
    np.testing.assert_allclose(pixels(x_test), expected, atol=1e-5)
    np.testing.assert_array_equal(y_test, content["labels"][of_test])
    assert abs(expected.mean()) > 0.5  # by their own statistics it would be 0


@pytest.mark.parametrize("test_images", [True, False])
def test_images_of_two_labels_are_left_out_of_the_training(tmp_path, given_to_train, test_images):
    """Wherever their copies stand, and also where the test images are held out."""
    content = arrays()
    images, labels = content["images"], content["labels"]
    images[[100, 205]] = images[3]  # three classes
    images[150] = images[120]  # twice under one label: both stay
    images[[40, 41, 260]] = images[42]
    conflicting = [3, 100, 205, 40, 41, 42, 260]
    if not test_images:
        del content["split"]
    path = npz(tmp_path, **content)
    # As many of each class as there are, so that each that is let in is drawn.
    held_out = 20 if test_images else 50
    plan = replace(PLAN, counts=[n - held_out for n in (96, 99, 98)])
    if not test_images:
        # Two copies of one image go to one side together.
        plan = replace(plan, counts=[n - (k == 1) for k, n in enumerate(plan.counts.n)])
    result = quick(path, tmp_path / "out", plan)
    assert result.samples["left_out"] == 7
    assert result.samples["train"] == plan.counts.N
    x, y = given_to_train["train"]
    trained = {}
    for image, k in zip(x.numpy(), y.numpy(), strict=True):
        trained.setdefault(image.tobytes(), set()).add(int(k))
    assert all(len(of) == 1 for of in trained.values())
    # None has the brightness order of one that is under two labels.
    ranks = {image.argsort(kind="stable").tobytes() for image in x.numpy()}
    bad = {images[n].ravel().argsort(kind="stable").tobytes() for n in conflicting}
    assert len(bad) == 2
    assert not ranks & bad
    assert len(labels) == 300
