"""Names and addresses of DICOM programs."""

import pytest

from bonefx.errors import SettingsError
from bonefx.pacs.peers import Peer, parse_ae_title, parse_ae_titles, parse_peer


@pytest.mark.parametrize(
    ("text", "peer"),
    [
        ("PACS@10.0.0.5:104", Peer(ae_title="PACS", host="10.0.0.5", port=104)),
        ("MY PACS@pacs.example:11112", Peer(ae_title="MY PACS", host="pacs.example", port=11112)),
        ("A@B@host:1", Peer(ae_title="A@B", host="host", port=1)),
        ("PACS@[fd00::5]:104", Peer(ae_title="PACS", host="fd00::5", port=104)),
    ],
)  # fmt: skip
def test_a_peer_is_title_host_and_port(text, peer):
    assert parse_peer(text) == peer


@pytest.mark.parametrize(
    "text",
    [
        "PACS", "PACS@host", "@host:104", "PACS@host:0", "PACS@host:65536", "PACS@:104",
        "PACS@fd00::5:104",
    ],
)  # fmt: skip
def test_another_form_is_refused_with_the_right_one(text):
    with pytest.raises(SettingsError, match=r"AE@HOST:PORT|AE title"):
        parse_peer(text)


def test_a_title_has_at_most_16_printable_characters_and_no_backslash():
    assert parse_ae_title(" CT ROOM 1 ") == "CT ROOM 1"
    for text in ("", "  ", "A" * 17, "A\\B", "RÖNTGEN", "A\nB"):
        with pytest.raises(SettingsError, match="1 to 16"):
            parse_ae_title(text)


def test_titles_are_separated_by_commas_and_counted_once():
    assert parse_ae_titles("CR1, CR2,CR1") == ("CR1", "CR2")
    with pytest.raises(SettingsError):
        parse_ae_titles("CR1,")
