"""Fitting of a scope: limits for each collection, and pictures that are not bone radiographs."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from bonefx.errors import RecipeError
from bonefx.scope.rules import GREY_LEVEL_RULES
from bonefx.scope.statistics import REGIONS
from train.data import Film
from train.evaluate.scope.fit import (
    MAX_REFUSED_SHARE,
    MAX_TAKEN_FOR_INVERTED,
    MeasuredSplit,
    OtherPictures,
    fit_scope,
)
from train.evaluate.scope.intruders import DEVELOPMENT, REPORTED, read_intruders
from train.evaluate.scope.regions import (
    MAX_NAMED_WRONGLY,
    known_region_labels,
    region_labels,
)

LENGTH = 12


def split_of(sources, random, *, spread=1.0):
    """Return films of the named sources; those of source b spread more widely."""
    films = [
        Film(path=Path("x"), name="x", fractured=False, split="val", group=str(i), source=source)
        for i, source in enumerate(sources)
    ]
    widths = np.where(np.array(sources) == "b", spread, 1.0)
    signatures = random.normal(size=(len(sources), LENGTH)) * widths[:, None]
    measures = random.random((len(sources), len(GREY_LEVEL_RULES)))
    return MeasuredSplit(
        films=films, signatures=signatures.astype(np.float32), measures=measures,
        quarter_turns=np.zeros(len(sources), int),
    )  # fmt: skip


def others_of(**signatures):
    """Return other pictures of the given kinds, and none of the others."""
    none = np.zeros((0, LENGTH), np.float32)
    kinds = {"inverted": none, "intruders": none, "borderline": none}
    return OtherPictures(**(kinds | signatures))


def refused_of_two_sources(films_of_b, *, spread):
    """Fit a scope with 400 films of a; return which val films it refuses, those of b last."""
    random = np.random.default_rng(0)
    train = split_of(["a"] * 400, random)
    val = split_of(["a"] * 400 + ["b"] * films_of_b, random, spread=spread)
    return fit_scope(train, val).refuses(val.signatures, val.measures)


def test_no_source_loses_more_films_than_allowed():
    """One limit for all films together would refuse a tenth of the smaller, wider source."""
    refused = refused_of_two_sources(100, spread=2.0)
    assert refused[400:].sum() <= MAX_REFUSED_SHARE * 100
    assert refused.sum() <= MAX_REFUSED_SHARE * 500


def test_a_few_films_of_one_source_set_no_limit():
    assert refused_of_two_sources(4, spread=50.0)[400:].all()


def test_intruders_within_the_distance_are_refused_and_films_kept():
    random = np.random.default_rng(0)
    train, val = (split_of(["a"] * n, random) for n in (400, 200))
    alike = random.normal(size=(2, 100, LENGTH)).astype(np.float32)
    alike[..., 4] = 2.5  # well inside of what the distance admits
    measures = val.measures[:100]
    plain, taught = (
        fit_scope(train, val),
        fit_scope(train, val, others=others_of(intruders=alike[0])),
    )
    assert plain.refuses(alike[1], measures).mean() < 0.2
    assert taught.refuses(alike[1], measures).mean() > 0.5
    films = taught.refuses(val.signatures, val.measures)
    assert films.sum() <= MAX_REFUSED_SHARE * 200


def region_split(regions, random, *, doubtful=0.0):
    """Return films whose signatures tell the first label, but for a share that tells another."""
    made = split_of(["a"] * len(regions), random)
    for index, region in enumerate(regions):
        told = region if random.random() >= doubtful else "leg"
        made.signatures[index, REGIONS.index(told)] += 6
    films = [replace(film, region=region) for film, region in zip(made.films, regions, strict=True)]
    return replace(made, films=films)


def test_only_regions_that_a_label_excludes_teach_their_absence():
    plain = split_of(["a"] * 4, np.random.default_rng(0)).films
    films = [
        replace(film, region=region)
        for film, region in zip(plain, ("forearm", "hand+leg", "", "fingers"), strict=True)
    ]
    known = [
        {name for name, there in zip(REGIONS, row, strict=True) if there}
        for row in known_region_labels(films).tolist()
    ]
    assert known[0] == set(REGIONS) - {"hand", "wrist", "elbow"}
    assert known[1] == set(REGIONS) - {"finger", "wrist", "forearm", "elbow"}
    assert known[2] == set()
    assert region_labels(films)[3].tolist() == [name == "finger" for name in REGIONS]


def test_regions_are_named_where_they_are_hardly_ever_wrong():
    random = np.random.default_rng(0)
    names = ["hand", "leg", "hip"] * 100
    train = region_split(names, random)
    sure, mixed = (region_split(names, random, doubtful=share) for share in (0.0, 0.4))
    scopes = [fit_scope(train, val) for val in (sure, mixed)]
    named = [scope.shows(val.signatures) for scope, val in zip(scopes, (sure, mixed), strict=True)]
    leg = REGIONS.index("leg")
    assert (named[0][:, leg] == region_labels(sure.films)[:, leg]).mean() > 0.98
    wrong = named[1][:, leg] & ~region_labels(mixed.films)[:, leg]
    assert wrong.sum() <= MAX_NAMED_WRONGLY * max(1, named[1][:, leg].sum())
    assert scopes[1].region_limits[leg] > scopes[0].region_limits[leg]
    assert scopes[0].region_limits[REGIONS.index("elbow")] > 1  # no film shows it


@pytest.fixture
def folder(tmp_path):
    lines = ["path,class,kind"]
    for title, kind in (("dental_film", "intruder"), ("photo_of_film", "borderline")):
        for number in range(4):
            name = f"{title}{number}.png"
            cv2.imwrite(str(tmp_path / name), np.full((40, 30, 3), (0, 20 * number, 200), np.uint8))
            lines.append(f"{name},{title},{kind}")
    (tmp_path / "labels.csv").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


def test_a_folder_of_intruders_is_halved_class_by_class(folder):
    halves = [read_intruders(folder, name) for name in (DEVELOPMENT, REPORTED)]
    for half in halves:
        assert [one.kind for one in half] == ["dental film"] * 2 + ["photo of film"] * 2
        assert [one.borderline for one in half] == [False] * 2 + [True] * 2
    assert not {one.origin for one in halves[0]} & {one.origin for one in halves[1]}


def test_pictures_of_one_group_are_in_one_half(folder):
    table = (folder / "labels.csv").read_text().splitlines()
    groups = ["group", *("ab"[number // 2] for number in range(4)), *"cdef"]
    lines = [f"{line},{group}" for line, group in zip(table, groups, strict=True)]
    (folder / "labels.csv").write_text("\n".join(lines), encoding="utf-8")
    first, second = (
        {one.origin for one in read_intruders(folder, name)} for name in (DEVELOPMENT, REPORTED)
    )
    assert first == {"a", "c", "e"}
    assert second == {"b", "d", "f"}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("path,class\nx.png,a", "has no column 'kind'"),
        ("path,class,kind\nx.png,a,odd", "line 2: the kind is 'odd'; use intruder or borderline"),
        (
            "path,class,kind\nx.png,a,intruder\ny.png,a,intruder",
            "line 2: the picture is missing or cannot be read",
        ),
    ],
)
def test_a_table_of_intruders_that_does_not_fit_is_refused(tmp_path, table, message):
    (tmp_path / "labels.csv").write_text(table, encoding="utf-8")
    with pytest.raises(RecipeError, match=message):
        read_intruders(tmp_path, DEVELOPMENT)


def test_a_folder_without_a_table_is_refused(tmp_path):
    with pytest.raises(RecipeError, match=r"labels\.csv is missing"):
        read_intruders(tmp_path, DEVELOPMENT)


def test_inverted_films_are_recognised_and_hardly_any_other_film():
    random = np.random.default_rng(0)
    train, val = (split_of(["a"] * 400, random) for _ in range(2))
    inverted = (random.normal(size=(200, LENGTH)) + 4 * np.eye(LENGTH)[2]).astype(np.float32)
    scope = fit_scope(train, val, others=others_of(inverted=inverted))
    assert (scope.inverted_logits(inverted) > 0).mean() > 0.9
    assert (scope.inverted_logits(val.signatures) > 0).mean() <= MAX_TAKEN_FOR_INVERTED
    without = fit_scope(train, val)
    assert not (without.inverted_logits(inverted) > 0).any()


def test_films_that_an_archive_holds_inverted_do_not_widen_the_limit():
    random = np.random.default_rng(0)
    train, val = (split_of(["a"] * 400, random) for _ in range(2))
    far = 12 * np.eye(LENGTH)[2].astype(np.float32)
    inverted = random.normal(size=(200, LENGTH)).astype(np.float32) + far
    held = replace(val, signatures=val.signatures.copy())
    held.signatures[:3] += far
    scope = fit_scope(train, held, others=others_of(inverted=inverted))
    assert (scope.inverted_logits(held.signatures[:3]) > 0).all()
    assert scope.limit <= 1.5 * fit_scope(train, val).limit


@pytest.mark.parametrize("kind", ["intruders", "inverted"])
def test_borderline_pictures_count_as_films(kind):
    random = np.random.default_rng(0)
    train, val = (split_of(["a"] * 400, random) for _ in range(2))
    others, borderline = (
        (random.normal(size=(200, LENGTH)) + 3 * np.eye(LENGTH)[2] + side).astype(np.float32)
        for side in (0, 3 * np.eye(LENGTH)[5])
    )
    logits = "intruder_logits" if kind == "intruders" else "inverted_logits"
    refused = [
        (getattr(fit_scope(train, val, others=taught), logits)(borderline) > 0).mean()
        for taught in (
            others_of(**{kind: others}), others_of(**{kind: others}, borderline=borderline),
        )
    ]  # fmt: skip
    assert refused[0] > 0.5
    assert refused[1] < 0.1
