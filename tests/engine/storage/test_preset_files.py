"""A preset in a file says the same when it is read as when it was written; a bad one is refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.learners.kinds import presets
from engine.learners.settings import ConfigError
from engine.storage.preset_files import find_preset, read_preset, write_preset


@pytest.mark.parametrize("suffix", [".toml", ".json"])
@pytest.mark.parametrize("name", presets())
def test_what_is_written_is_read_again(tmp_path: Path, name: str, suffix: str) -> None:
    spec, file = presets()[name].spec, tmp_path / f"mine{suffix}"
    write_preset(file, spec, 'a "title" of mine ✓', "trial 7 of study x", {"trial": 7, "fresh_mean": None})
    found = read_preset(file)
    assert found.spec == spec
    assert (found.name, found.title, found.source) == (f"mine{suffix}", 'a "title" of mine ✓', "trial 7 of study x")
    assert find_preset(str(file)) == found


def test_a_name_of_the_labs_own_is_not_looked_for_among_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("robust").write_text("no preset")
    assert find_preset("robust") == presets()["robust"]
    Path("own").write_text("no preset")
    with pytest.raises(ConfigError, match="own is not valid TOML"):
        find_preset("own")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("kind = 'dqn'", "'settings' is missing"),
        ("[settings]\nseed = 0", "'kind' is missing"),
        ("kind = 'magic'\n[settings]", "no kind of learner 'magic'"),
        ("kind = 'imitation'\n[settings]\nnn_hidden_layers = [0]", "nn_hidden_layers[0]"),
        ("kind = 'imitation'\n[settings]\nnn_hidden_layers = []\nspeed = 9", "'speed' is not a setting"),
        ("kind = 'imitation'\nepisodes = 9\n[settings]\nnn_hidden_layers = []", "'episodes' is not a part of it"),
        ("kind = 'imitation'\n[train]\nrows = 9\n[settings]\nnn_hidden_layers = []", "train should be a table"),
        ("kind = 'imitation'\n[train]\nsamples = 0\n[settings]\nnn_hidden_layers = []", "train.samples should be"),
        ("kind =", "not valid TOML"),
    ],
)
def test_a_bad_file_is_one_sentence_with_its_name(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as refused:
        read_preset(file)
    assert str(file) in str(refused.value)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_or_has_another_ending_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.json cannot be read"):
        find_preset(str(tmp_path / "nowhere.json"))
    with pytest.raises(ConfigError, match=r"should end with \.toml or \.json"):
        write_preset(tmp_path / "mine.txt", presets()["robust"].spec, "", "", {})
    with pytest.raises(ConfigError, match="its folder is not there"):
        write_preset(tmp_path / "nowhere" / "mine.toml", presets()["robust"].spec, "", "", {})
