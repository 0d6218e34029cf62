"""Values of an update reach the components of the same names, in whatever order they stand."""

from dataclasses import dataclass

from bonefx.web.shared.updates import by_component, connect, updated_components


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    film: str = "film component"
    verdict: str = "verdict component"
    legend: str = "legend component"


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    legend: str
    film: None = None


def on_read(path: str) -> Update:
    """Read a film."""
    return Update(legend=f"legend of {path}")


def test_an_update_changes_the_components_that_it_names_and_no_others():
    assert updated_components(Update, Components()) == ["legend component", "film component"]
    values = by_component(on_read, Components())("a.png")
    assert values == {"legend component": "legend of a.png", "film component": None}


def test_a_handler_keeps_its_name_and_documentation():
    wrapped = by_component(on_read, Components())
    assert (wrapped.__name__, wrapped.__doc__) == ("on_read", "Read a film.")


def test_a_handler_is_attached_with_its_inputs_outputs_and_settings():
    attached = []

    def click(handler, inputs, outputs, **settings):
        attached.append((handler("b.png"), inputs, outputs, settings))
        return "event"

    event = connect(click, on_read, ["path"], update=Update, components=Components(), queue=False)
    assert event == "event"
    (values, inputs, outputs, settings), *_ = attached
    assert values["legend component"] == "legend of b.png"
    assert (inputs, outputs, settings) == (
        ["path"], ["legend component", "film component"], {"queue": False},
    )  # fmt: skip
