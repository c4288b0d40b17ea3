"""The columns of the tables of Open Images."""

import pyarrow as pa

from boxable.formats.columns import BOX_COLUMNS, IMAGE_COLUMNS, LABEL_COLUMNS, schema, select_columns


def test_each_kind_has_its_type() -> None:
    text = pa.dictionary(pa.int32(), pa.string())
    types = {name: schema({**BOX_COLUMNS, **IMAGE_COLUMNS}).field(name).type for name in (*BOX_COLUMNS, *IMAGE_COLUMNS)}
    assert types["LabelName"] == types["Author"] == text
    assert types["XMin"] == types["Rotation"] == pa.float64()
    assert (types["IsGroupOf"], types["Width"]) == (pa.int8(), pa.int32())
    assert (types["OriginalSize"], types["Title"]) == (pa.int64(), pa.string())


def test_columns_are_those_of_the_published_tables_in_order() -> None:
    assert [*BOX_COLUMNS][:8] == ["ImageID", "Source", "LabelName", "Confidence", "XMin", "XMax", "YMin", "YMax"]
    assert [*LABEL_COLUMNS] == [*BOX_COLUMNS][:4]


def test_some_columns_can_be_selected() -> None:
    assert select_columns(LABEL_COLUMNS, ("Confidence", "ImageID")) == {"Confidence": "number", "ImageID": "text"}
