"""What cannot be evaluated is refused before anything is computed."""

import pytest

from train.cli import main as train
from train.data import ADAPTERS
from train.evaluate import pipeline
from train.evaluate.scope.intruders import sample_pictures
from train.evaluate.scope.intruders.sample_pictures import CHECKSUMS, check_samples, find_sample


@pytest.fixture
def nothing_is_loaded(monkeypatch):
    """Fail the test as soon as a model is loaded."""

    def refuse(*_, **__):
        raise AssertionError("a model was loaded")

    monkeypatch.setattr(pipeline, "load_for_evaluation", refuse)


def without(package):
    """A replacement of importlib.resources.files in an environment that lacks a package."""

    def files(name):
        assert name == package
        raise ModuleNotFoundError(f"No module named {name!r}")

    return files


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["compare", "a", "b", "--data", ".", "--layout", "foo"], id="compare"),
        pytest.param(
            [
                "evaluate",
                "run",
                "--data",
                ".",
                "--test",
                "--outside",
                ".",
                "--outside-layout",
                "foo",
            ],
            id="evaluate",
        ),
        pytest.param(
            ["scope", "run", "--data", ".", "--outside", ".", "--outside-layout", "foo"], id="scope"
        ),
    ],
)
@pytest.mark.usefixtures("nothing_is_loaded")
def test_an_unknown_layout_is_refused_with_the_known_ones(command, monkeypatch, capsys):
    monkeypatch.setattr(pipeline, "check_samples", lambda: None)
    assert train(command) == 5
    message = capsys.readouterr().err
    assert "no data layout 'foo'" in message
    assert all(name in message for name in ADAPTERS)


@pytest.mark.parametrize(
    "command", [["evaluate", "run", "--data", ".", "--test"], ["scope", "run", "--data", "."]]
)
@pytest.mark.usefixtures("nothing_is_loaded")
def test_missing_sample_pictures_are_named_with_what_to_install(command, monkeypatch, capsys):
    monkeypatch.setattr(sample_pictures, "CHECKSUMS", {("skimage.data", "moon.png"): "0" * 64})
    monkeypatch.setattr(sample_pictures, "files", without("skimage.data"))
    assert train(command) == 5
    message = capsys.readouterr().err
    assert "skimage.data is not installed" in message
    assert "pip install --editable '.[train]'" in message


def test_a_sample_picture_of_other_content_is_refused(monkeypatch):
    place = ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg")
    monkeypatch.setattr(sample_pictures, "CHECKSUMS", {place: "f" * 64})
    with pytest.raises(sample_pictures.RecipeError, match=r"grace_hopper.*SHA-256.*ffffffff"):
        check_samples()


def test_a_sample_picture_that_its_package_lacks_is_named():
    with pytest.raises(sample_pictures.RecipeError, match=r"matplotlib has no none\.jpg"):
        find_sample(("matplotlib", "none.jpg"))


def test_the_installed_sample_pictures_are_those_that_figures_are_measured_on():
    for package in ("skimage", "data_store"):
        pytest.importorskip(package, reason=f"the sample pictures of {package} are missing")
    check_samples()
    assert len(CHECKSUMS) == 42
