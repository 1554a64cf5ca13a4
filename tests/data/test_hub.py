"""Tables of pictures from parquet files: fashion and captions, on files written here."""

import io
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from mmlearn.data import fashion, hub, load_captions, load_fashion


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MMLEARN_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("MMLEARN_CACHE", str(tmp_path / "cache"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def picture(colour, width=6, height=8, kind="PNG", mode="RGB"):
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).convert(mode).save(out, kind)
    return {"bytes": out.getvalue(), "path": None}


def write(folder, columns, split="train"):
    folder.mkdir(exist_ok=True)
    pq.write_table(pa.table(columns), folder / f"{split}-00000-of-00001.parquet")


def write_fashion(folder, **changes):
    """Six bags, four shoes and one hat; row i has the grey value i."""
    classes = ["Bags"] * 6 + ["Shoes"] * 4 + ["Hats"]
    columns = {
        "subCategory": classes,
        "articleType": [f"{c} {i % 2}" for i, c in enumerate(classes)],
        "year": [2010.0 + i for i in range(11)],
        "productDisplayName": [f"product {i}" for i in range(11)],
        "image": [picture((i, i, i)) for i in range(11)],
    }
    write(folder / "fashion", columns | changes)


def rows_of(data):
    return data.pictures[:, 8, 8, 0].tolist()


def test_small_classes_are_left_out_and_large_ones_drawn_from(folder):
    write_fashion(folder)
    data = load_fashion(size=16, min_items=2)
    assert rows_of(data) == list(range(10))
    assert data.label_names == ["Bags", "Shoes"]
    assert data.labels.tolist() == [0] * 6 + [1] * 4
    assert data.sublabel_names[data.sublabels[7]] == "Shoes 1"
    assert data.captions[3] == "product 3"
    assert data.times.tolist() == list(range(2010, 2020))
    even = load_fashion(size=16, min_items=2, max_items=4)
    assert np.bincount(even.labels).tolist() == [4, 4]


def test_nothing_is_drawn_where_nobody_watches(folder, capfd):
    write_fashion(folder)
    load_fashion(size=16, min_items=2)
    assert capfd.readouterr().err == ""


def test_every_row_keeps_its_own_picture_text_and_year(folder):
    write_fashion(folder)
    data = load_fashion(n=5, size=16, min_items=2, seed=3)
    assert len(data) == 5
    for row, caption, year in zip(rows_of(data), data.captions, data.times, strict=True):
        assert caption == f"product {row}"
        assert year == 2010 + row


def test_the_draw_repeats_with_its_seed(folder):
    write_fashion(folder)
    drawn = [rows_of(load_fashion(n=4, size=16, min_items=2, seed=s)) for s in (0, 0, 1, 2, 3)]
    assert drawn[0] == drawn[1]
    assert len({tuple(rows) for rows in drawn}) > 1


@pytest.mark.parametrize(
    "changes",
    [
        {"year": [None] + [2011.0] * 10},
        {"productDisplayName": [""] + [f"product {i}" for i in range(1, 11)]},
        {"articleType": [None] + ["x"] * 10},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_products_with_something_missing_are_left_out(folder, changes):
    write_fashion(folder, **changes)
    assert rows_of(load_fashion(size=16, min_items=2)) == list(range(1, 10))


def test_no_class_large_enough_is_an_error(folder):
    write_fashion(folder)
    with pytest.raises(ValueError, match="no subcategory has 500 products; lower min_items"):
        load_fashion()


def test_a_missing_column_is_named(folder):
    write(folder / "fashion", {"image": [picture("red")], "year": [2010.0]})
    with pytest.raises(ValueError, match="no column subCategory, articleType, productDisplayName"):
        load_fashion()
    write(folder / "captioned_photos", {"caption_0": ["a"]})
    with pytest.raises(ValueError, match="no column image; its columns are caption_0"):
        load_captions()


def write_captions(folder, columns=None, n=4, split="train"):
    texts = {f"caption_{k}": [f"photo {i}, caption {k}" for i in range(n)] for k in (0, 1, 10, 2)}
    images = [picture((i, 0, 0)) for i in range(n)]
    write(folder / "captioned_photos", {"image": images} | (columns or texts), split)


def test_captions_are_chosen_by_number_or_joined(folder):
    write_captions(folder)
    assert load_captions().captions[1] == "photo 1, caption 0"
    assert load_captions(caption=3).captions[2] == "photo 2, caption 10"
    data = load_captions(caption="all", size=16)
    assert data.captions[0].split("photo 0, ")[1:] == [
        "caption 0 ",
        "caption 1 ",
        "caption 2 ",
        "caption 10",
    ]
    assert data.titles[0] == "photo 0, caption 0"
    assert data.labels is None
    assert data.name == "captioned_photos"
    assert data.pictures.shape == (4, 16, 16, 3)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [({"text": ["a", "b"]}, "b"), ({"captions": [["a"], ["b", "c"]]}, "b c")],
)
def test_captions_may_stand_in_one_column(folder, columns, expected):
    write_captions(folder, columns, n=2)
    assert load_captions(caption="all").captions[1] == expected


def test_splits_are_files_of_their_name(folder):
    write_captions(folder, n=4)
    write_captions(folder, n=3, split="test")
    assert len(load_captions()) == 4
    assert len(load_captions(split="test")) == 3
    with pytest.raises(FileNotFoundError, match=r"has no file named validation\*\.parquet"):
        load_captions(split="validation")


def test_a_draw_of_photos_keeps_their_captions(folder):
    write_captions(folder)
    data = load_captions(n=3, size=16, seed=1)
    for shade, caption in zip(data.pictures[:, 8, 8, 0], data.captions, strict=True):
        assert caption.startswith(f"photo {shade},")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"caption": 4},
            r'4 captions: caption must be "all", "each" or a number from 0 to 3, got 4',
        ),
        ({"caption": -1}, "caption must be a whole number from 0"),
        ({"caption": "first"}, "caption must be a whole number from 0"),
        ({"n": 5}, "n must be a whole number from 1 to 4, got 5"),
        ({"size": 4}, "size must be a whole number from 8 to 512"),
    ],
)
def test_wrong_settings_of_captions_are_named(folder, settings, message):
    write_captions(folder)
    with pytest.raises(ValueError, match=message):
        load_captions(**settings)


@pytest.mark.parametrize("settings", [{"n": 0}, {"size": 1000}, {"min_items": 0}, {"n": True}])
def test_wrong_settings_of_fashion_are_named(folder, settings):
    with pytest.raises(ValueError, match=f"{next(iter(settings))} must be a whole number"):
        load_fashion(**settings)


def test_a_table_without_captions_is_refused(folder):
    write_captions(folder, {"label": [1, 2]}, n=2)
    with pytest.raises(ValueError, match=r"no captions that can be told .* image, label"):
        load_captions()


def test_without_network_and_files_a_sentence_says_so(folder, monkeypatch):
    message = r"data set nobody/nothing is not on this machine and could not be had from"
    with pytest.raises(FileNotFoundError, match=message):
        load_captions("nobody/nothing")
    monkeypatch.setattr(fashion, "HUB_NAME", "nobody/nothing")
    with pytest.raises(FileNotFoundError, match=message):
        load_fashion()


def test_pictures_are_padded_with_white_not_stretched(folder):
    write_captions(folder, {"image": [picture("black", 8, 16)], "text": ["a"]}, n=1)
    (square,) = load_captions(size=16).pictures
    assert (square[:, 4:12] == 0).all()
    assert (square[:, :4] == 255).all()
    assert (square[:, 12:] == 255).all()


def test_pictures_of_any_kind_become_rgb(folder):
    images = [picture("red", mode="P"), picture("red", mode="RGBA"), picture("red", kind="JPEG")]
    write_captions(folder, {"image": images, "text": list("abc")})
    pictures = load_captions(size=8).pictures.astype(int)
    np.testing.assert_allclose(pictures[:, 4, 4], [[255, 0, 0]] * 3, atol=2)


def test_pictures_are_decoded_once(folder, monkeypatch):
    write_captions(folder)
    first = load_captions(size=16)
    monkeypatch.setattr(hub, "square_picture", lambda *_: pytest.fail("decoded again"))
    np.testing.assert_array_equal(load_captions(size=16).pictures, first.pictures)
    write_captions(folder, {"image": [picture("red")], "text": ["changed"]}, n=1)
    with pytest.raises(pytest.fail.Exception, match="decoded again"):
        load_captions(size=16)


def test_a_broken_picture_is_named(folder):
    broken = {"bytes": b"no picture", "path": None}
    write_captions(folder, {"image": [picture("red"), broken], "text": ["a", "b"]})
    with pytest.raises(ValueError, match="picture 1 of captioned_photos cannot be read"):
        load_captions()
    write_captions(
        folder, {"image": [picture("red"), broken | {"path": "b.png"}], "text": list("ab")}
    )
    with pytest.raises(ValueError, match=r"picture 1 of captioned_photos \(b.png\) cannot be read"):
        load_captions()


@pytest.mark.parametrize("nothing", [None, {"bytes": None, "path": None}])
def test_a_missing_picture_is_named(folder, nothing):
    write_captions(folder, {"image": [picture("red"), nothing], "text": ["a", "b"]})
    with pytest.raises(ValueError, match="picture 1 of captioned_photos is missing"):
        load_captions()


def test_pictures_of_a_table_are_read_as_those_of_files_are(folder, monkeypatch):
    ramp = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    out = io.BytesIO()
    Image.fromarray(ramp).save(out, "PNG")
    write_captions(folder, {"image": [{"bytes": out.getvalue(), "path": None}], "text": ["a"]})
    assert abs(load_captions(size=64).pictures.mean() - 127.5) < 0.5
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    images = [picture("red", 5, 5), picture("red", 20, 20)]
    write_captions(folder, {"image": images, "text": ["a", "b"]})
    with pytest.raises(ValueError, match="picture 1 of captioned_photos cannot be read: its size"):
        load_captions()


# -- several captions a photo ---------------------------------------------------------------------


def test_each_caption_gets_a_row_and_the_photo_is_its_group(folder):
    write_captions(folder)
    data = load_captions(caption="each", size=16)
    assert len(data) == 16
    assert data.groups.tolist() == np.repeat(range(4), 4).tolist()
    assert data.captions[4:8] == [f"photo 1, caption {k}" for k in (0, 1, 2, 10)]
    assert data.titles == data.captions
    assert rows_of_red(data) == data.groups.tolist()
    for seed in range(10):
        train, test = data.split(0.5, seed, stratify=False)
        assert not set(train.groups) & set(test.groups)
        assert len(test) == 8
    assert len(load_captions(caption="each", n=3, size=16)) == 12  # n photos, not rows
    assert load_captions().groups is None


def rows_of_red(data):
    return data.pictures[:, 8, 8, 0].tolist()


def test_photos_may_have_different_numbers_of_captions(folder):
    write_captions(folder, {"captions": [["a"], ["b", "c", "d"], ["e", "f"], ["g"]]})
    data = load_captions(caption="each", size=16)
    assert "".join(data.captions) == "abcdefg"
    assert rows_of_red(data) == data.groups.tolist() == [0, 1, 1, 1, 2, 2, 3]


@pytest.mark.parametrize(
    "columns",
    [
        {"caption": ["a", None, "c", "d"]},
        {"caption": ["a", "nan", "c", "d"]},
        {"captions": [["a"], ["b", None], ["c"], ["d"]]},
        {"captions": [["a"], [], ["c"], ["d"]]},
        {"captions": [["a"], None, ["c"], ["d"]]},
        {"caption_0": list("abcd"), "caption_1": ["a", None, "c", "d"]},
    ],
)
@pytest.mark.parametrize("caption", [0, "all", "each"])
def test_a_missing_caption_is_named_by_row_and_file(folder, columns, caption):
    images = [picture("red") | {"path": f"{i}.png"} for i in range(4)]
    write_captions(folder, {"image": images} | columns)
    with pytest.raises(ValueError, match=r"captioned_photos is missing in row 1 \(1\.png\)"):
        load_captions(caption=caption)


# -- a folder of one's own ------------------------------------------------------------------------


@pytest.fixture
def own(folder):
    """Pictures of several sizes and kinds beside the table that names them."""
    here = folder / "my photos"
    here.mkdir()
    for i, mode in enumerate(("RGB", "RGBA", "L", "RGB")):
        Image.new("RGB", (10 + i, 20), (i, i, i)).convert(mode).save(here / f"{i}.png")
    (here / "metadata.csv").write_text(
        "file_name,caption,label\n" + "".join(f"{i}.png,text {i},a\n" for i in range(4))
    )
    return here


@pytest.mark.parametrize("kind", [str, Path])
def test_a_folder_of_ones_own_is_read(own, kind):
    data = load_captions(kind(own), size=16)
    assert data.name == "my photos"
    assert data.pictures[:, 8, 8, 0].tolist() == [0, 1, 2, 3]
    assert data.captions == [f"text {i}" for i in range(4)]
    assert data.licence.startswith("Not stated; pictures and texts are those of the folder")
    assert data.source == f"the folder {own}"
    assert len(load_captions(kind(own), caption="each", n=2, size=16)) == 2


def test_a_folder_of_parquet_files_may_lie_anywhere(tmp_path, folder):
    write(tmp_path / "tables", {"image": [picture("red")], "text": ["a"]}, "dev")
    assert load_captions(tmp_path / "tables", split="dev").captions == ["a"]


@pytest.mark.parametrize("caption", [0, "all", "each"])
def test_a_photo_that_stands_in_several_rows_is_one_group(own, caption):
    """As in Flickr8k's own list of captions: else a photo is trained on and tested on."""
    rows = [f"{i % 2}.png,text {i},a\n" for i in range(4)]
    (own / "metadata.csv").write_text("file_name,caption,label\n" + "".join(rows))
    assert load_captions(own, size=16, caption=caption).groups.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("name", [3, b"photos"])
def test_what_is_no_name_of_a_folder_is_refused(name):
    with pytest.raises(TypeError, match="name must be a folder or a data set's name, got"):
        load_captions(name)


def test_faults_of_a_folder_of_ones_own_are_named(own):
    table = (own / "metadata.csv").read_text()
    (own / "metadata.csv").write_text(table.replace("text 2", ""))
    with pytest.raises(ValueError, match=r"my photos is missing in row 2 \(.*2\.png\)"):
        load_captions(own)
    (own / "metadata.csv").write_text(table.replace("2.png", "gone.png"))
    with pytest.raises(ValueError, match=r"picture 2 .* \(.*gone\.png\) cannot be read: No"):
        load_captions(own)
    (own / "metadata.csv").write_text(table)
    (own / "2.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"picture 2 of my photos \(.*2\.png\) cannot be read: it"):
        load_captions(own)
    with pytest.raises(ValueError, match='cannot be read: Unknown split "test"'):
        load_captions(own, split="test")
    with pytest.raises(ValueError, match="is a file; name the folder that it lies in"):
        load_captions(own / "metadata.csv")
    (own / "metadata.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"train\*\.parquet, and no metadata\.csv beside"):
        load_captions(own)


@pytest.mark.parametrize("name", ["/no/where", "./nowhere", "~/no/where", "a/b/c", Path("nowhere")])
def test_a_mistyped_folder_is_missing_and_not_looked_for_on_the_hub(folder, name):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        load_captions(name)


# -- the real tables, where they are --------------------------------------------------------------


def needs(name):
    there = (Path(os.environ.get("MMLEARN_DATA", "nowhere")) / name).is_dir()
    return pytest.mark.skipif(not there, reason=f"MMLEARN_DATA has no folder {name}")


@needs("fashion")
def test_the_real_catalogue():
    data = load_fashion(n=1500)
    assert len(data) == 1500
    assert len(data.label_names) == 13
    assert data.pictures.shape[1:] == (64, 64, 3)
    assert (data.pictures[:, :, 0] == 255).all()  # the photos are higher than wide
    assert 2007 <= data.times.min() < data.times.max() <= 2018
    train, test = data.features(image="colour", text="bow").split()
    assert train.texts.shape[1] == test.texts.shape[1]
    assert "not confirmed" in data.licence


@needs("captioned_photos")
def test_the_real_photos():
    data = load_captions()
    assert data.pictures.shape == (159, 96, 96, 3)
    longest = load_captions(caption="all").captions
    assert all(long.startswith(short) for long, short in zip(longest, data.captions, strict=True))
    assert len(data.split(stratify=False)[1]) == 40
