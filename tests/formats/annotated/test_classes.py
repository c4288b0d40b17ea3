"""Classes that are known by name alone."""

from boxable.formats.annotated.classes import named_classes


def test_names_that_differ_in_case_and_spaces_are_one_class() -> None:
    classes, mids = named_classes(["dog", "cat", "Cat", " garden  gnome"])
    assert [item.name for item in classes] == ["Cat", "Dog", "garden gnome"]
    assert mids == {"dog": "/m/0bt9lr", "cat": "/m/01yrx", "Cat": "/m/01yrx", " garden  gnome": "user/garden-gnome"}
    assert named_classes([])[1] == {}
