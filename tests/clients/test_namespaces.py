"""PyIceberg: namespaces, and what of them survives a new client."""

import pytest
from pyiceberg.exceptions import (
    BadRequestError,
    NamespaceAlreadyExistsError,
    NamespaceNotEmptyError,
    NoSuchNamespaceError,
)

from lake import Lake
from rows import SCHEMA

REFUSED_IN_NAMES = '/\\:*?"<>|#+`'


def test_namespaces_nest_and_list_level_by_level(file_lake: Lake):
    catalog = file_lake.pyiceberg()
    catalog.create_namespace("sales")
    catalog.create_namespace(("sales", "eu"))
    catalog.create_namespace(("sales", "eu", "north"))
    catalog.create_namespace("stock")

    seen = file_lake.pyiceberg()

    assert sorted(seen.list_namespaces()) == [("sales",), ("stock",)]
    assert seen.list_namespaces("sales") == [("sales", "eu")]
    assert seen.list_namespaces(("sales", "eu")) == [("sales", "eu", "north")]
    assert seen.list_namespaces(("sales", "eu", "north")) == []
    assert seen.namespace_exists(("sales", "eu"))
    assert not seen.namespace_exists(("sales", "us"))


def test_namespace_properties_are_set_changed_and_removed(file_lake: Lake):
    catalog = file_lake.pyiceberg()
    catalog.create_namespace("sales", {"owner": "ann", "team": "eu"})

    summary = catalog.update_namespace_properties("sales", removals={"team", "absent"}, updates={"owner": "bea"})

    assert (summary.updated, summary.removed, summary.missing) == (["owner"], ["team"], ["absent"])
    properties = file_lake.pyiceberg().load_namespace_properties("sales")
    assert properties["owner"] == "bea"
    assert "team" not in properties


def test_names_with_spaces_dots_and_other_scripts_survive(file_lake: Lake):
    names = ["with space", "with.dot", "größe", "a&b=c", "100%"]
    catalog = file_lake.pyiceberg()
    for name in names:
        catalog.create_namespace((name,))
        catalog.create_table((name, "tábla 1"), schema=SCHEMA)

    seen = file_lake.pyiceberg()

    assert sorted(seen.list_namespaces()) == sorted((name,) for name in names)
    for name in names:
        assert seen.list_tables((name,)) == [(name, "tábla 1")]
        assert seen.load_table((name, "tábla 1")).name() == (name, "tábla 1")


def test_names_with_characters_that_polaris_refuses_are_refused(file_lake: Lake):
    catalog = file_lake.pyiceberg()
    catalog.create_namespace("sales")
    for character in REFUSED_IN_NAMES:
        with pytest.raises(BadRequestError):
            catalog.create_namespace((f"a{character}b",))
        with pytest.raises(BadRequestError):
            catalog.create_table(("sales", f"a{character}b"), schema=SCHEMA)

    assert catalog.list_namespaces() == [("sales",)]
    assert catalog.list_tables("sales") == []


def test_a_namespace_that_exists_is_not_created_again(file_lake: Lake):
    catalog = file_lake.pyiceberg()
    catalog.create_namespace("sales")

    with pytest.raises(NamespaceAlreadyExistsError):
        catalog.create_namespace("sales")
    catalog.create_namespace_if_not_exists("sales")


def test_a_namespace_is_dropped_only_when_it_is_empty(file_lake: Lake):
    catalog = file_lake.pyiceberg()
    catalog.create_namespace("sales")
    catalog.create_table("sales.orders", schema=SCHEMA)

    with pytest.raises(NamespaceNotEmptyError):
        catalog.drop_namespace("sales")

    catalog.drop_table("sales.orders")
    catalog.drop_namespace("sales")
    assert catalog.list_namespaces() == []
    with pytest.raises(NoSuchNamespaceError):
        catalog.drop_namespace("sales")
    with pytest.raises(NoSuchNamespaceError):
        catalog.list_tables("sales")
