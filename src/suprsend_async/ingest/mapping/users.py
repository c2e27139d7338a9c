"""The mapping to users: which columns become channels and properties of a profile, and the edits that write them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Self, cast

from pydantic import BeforeValidator, model_validator

from suprsend_async.errors import ConfigurationError
from suprsend_async.ingest.errors import MappingError
from suprsend_async.ingest.mapping.cells import CellReader, values_of
from suprsend_async.ingest.mapping.columns import ColumnMapping, ColumnName, present
from suprsend_async.ingest.mapping.keys import insert_id_of
from suprsend_async.ingest.mapping.properties import convert, plan_properties
from suprsend_async.ingest.mapping.records import USERS, RowKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from suprsend_async.ingest.sources.source import Row, Source
    from suprsend_async.resources.edits import UserEdit

CHANNEL_FIELDS = ("email", "sms", "whatsapp", "androidpush", "iospush", "webpush", "slack", "ms_teams")
PREFERENCE_FIELDS = ("preferred_language", "locale", "timezone")

_PHONE = re.compile(r"\+[1-9][0-9]{5,14}")
_EMAIL = re.compile(r"(?=.{6,320}\Z)[^\s@]+@[^\s@]+")
# The platform answers to many edits together, and says nothing of a value that it drops: so it is said here.
_A_PHONE = (_PHONE, "is not a phone number with + and the country code, without spaces, for example +15550100")
_RULES: dict[str, tuple[re.Pattern[str], str]] = {
    "$email": (_EMAIL, "is not an e-mail address"),
    "$sms": _A_PHONE,
    "$whatsapp": _A_PHONE,
}


def _one_or_more(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Columns = Annotated[Sequence[ColumnName] | None, BeforeValidator(_one_or_more)]


class UserMapping(ColumnMapping):
    """Says which columns of a row become what of a user's profile. All are names of columns.

    A row writes what it holds, and leaves all else of the profile as it is: properties are set, channels are added.
    So a row can be written twice, and nothing is counted twice.

    Attributes:
        distinct_id: The user's id.
        email: The e-mail address; a list of columns for several. So it is for every channel. A cell may hold a list of
            values, and that of a channel whose values are objects is read with the type json.
        sms: The phone number for SMS, with `+` and country code.
        whatsapp: The phone number for WhatsApp.
        androidpush: The token for Android.
        iospush: The token for iOS.
        webpush: The browser's subscription, an object.
        slack: The Slack user, channel or webhook, an object.
        ms_teams: The Microsoft Teams user, conversation or webhook, an object.
        preferred_language: The language, in ISO 639-1.
        locale: The locale, in BCP 47.
        timezone: The time zone, by its IANA name.
        properties: The column of each property. Left out, all columns that serve as nothing else become properties of
            their own names.
        properties_from: A column that holds an object with all the properties.
        tenant_id: The tenant whose profile of the user is written; the user's own where left out.
        types: How to read the text of columns: str, int, float, decimal, bool, json, datetime or date.
        null: Texts that mean that there is no value, for example `NA`. Such a column is not written.

    Raises:
        ConfigurationError: The mapping contradicts itself; the message names the field and what to do.

    Examples:
        >>> from suprsend_async.ingest import UserMapping
        >>> mapping = UserMapping(distinct_id="id", email="mail", sms="phone", properties={"plan": "plan"})
        >>> mapping.records.name
        'users'
    """

    email: Columns = None
    sms: Columns = None
    whatsapp: Columns = None
    androidpush: Columns = None
    iospush: Columns = None
    webpush: Columns = None
    slack: Columns = None
    ms_teams: Columns = None
    preferred_language: ColumnName | None = None
    locale: ColumnName | None = None
    timezone: ColumnName | None = None
    properties: Mapping[ColumnName, ColumnName] | None = None
    properties_from: ColumnName | None = None
    tenant_id: ColumnName | None = None

    @property
    def records(self) -> RowKind:
        """Users."""
        return USERS

    @model_validator(mode="after")
    def _check_without_a_source(self) -> Self:
        if self.properties is not None and self.properties_from is not None:
            raise ConfigurationError("give either properties or properties_from, not both")
        if (name := _reserved(self.properties or ())) is not None:
            raise ConfigurationError(f"properties: {name!r} cannot be the name of a property; {_RESERVED}")
        return self

    def channels(self) -> list[tuple[str, str]]:
        """Return the channels that are written, each with a column, by the keys that are sent."""
        return [
            (f"${name}", column)
            for name in CHANNEL_FIELDS
            for column in cast("Sequence[str]", getattr(self, name) or ())
        ]

    def preferences(self) -> list[tuple[str, str]]:
        """Return the keys of language, locale and time zone that are written, each with its column."""
        return [(f"${name}", column) for name in PREFERENCE_FIELDS if (column := getattr(self, name)) is not None]

    def roles(self) -> list[str | None]:
        """Return the columns that are no properties unless they are named as such."""
        columns = [column for _, column in (*self.channels(), *self.preferences())]
        return [self.distinct_id, self.tenant_id, *columns]

    def columns(self) -> frozenset[str] | None:
        """Return the columns that are needed, so that no others are read; None if it is all of them."""
        if self.properties is None and self.properties_from is None:
            return None
        return self.named_columns()

    def named_columns(self) -> frozenset[str]:
        """Return the columns that the mapping names."""
        properties = self.properties.values() if self.properties is not None else ()
        return present((*self.roles(), self.properties_from, *properties, *self.types))

    def plan(self, source: Source, *, time: int) -> UserPlan:
        """Prepare to make edits of a source's rows.

        Args:
            source: Where the rows come from.
            time: The time of the edits, in epoch milliseconds. Give the same again when a job is resumed.

        Raises:
            ConfigurationError: The source has no such column, or one whose name no property can have.
            SourceError: The source cannot be read.
        """
        columns = self._columns_of(source)
        if self.columns() is None:
            name = _reserved(column for column in columns if column not in self.roles())
            if name is not None:
                raise ConfigurationError(
                    f"{source.name} has a column {name!r}, which cannot be the name of a property; name the columns "
                    f"that are to be written with properties, or {_RESERVED}"
                )
        return UserPlan(self, source.fingerprint() or "", time, columns)


_RESERVED = "those that begin with $ or ss_ are the platform's: give the column to a channel, or another name"


def _reserved(names: Iterable[str]) -> str | None:
    """Return the first name that no property can have."""
    return next((name for name in names if name.startswith(("$", "ss_"))), None)


class UserPlan(CellReader):
    """Makes the edits of one source's rows. Made by `UserMapping.plan`.

    Examples:
        >>> from suprsend_async.ingest import Row, UserMapping, open_sources
        >>> [source] = open_sources(["examples/users.csv"])
        >>> plan = UserMapping(distinct_id="id", email="mail", sms="phone").plan(source, time=1767225600000)
        >>> edit = plan.record(next(source.rows()))
        >>> edit, edit.repeatable
        (UserEdit($append, $append, $set), True)
    """

    def __init__(self, mapping: UserMapping, fingerprint: str, time: int, columns: Collection[str] = ()) -> None:
        # Not above: a job that sends events needs none of it.
        from suprsend_async.resources.edits import UserEdit

        super().__init__(mapping, columns)
        self._new_edit = UserEdit
        self._distinct_id = mapping.distinct_id
        self._tenant_id = mapping.tenant_id
        self._channels = mapping.channels()
        self._preferences = mapping.preferences()
        self._types = mapping.types
        self._time = time
        self._identity = f"{fingerprint}-{time}"
        self._properties = plan_properties(mapping, mapping.properties, mapping.properties_from, mapping.roles())
        self._seen_names: set[str] = set()

    def record(self, row: Row) -> UserEdit:
        """Return the row's edit: the same, byte for byte, whenever it is made.

        Raises:
            MappingError: The row cannot be read, or lacks what an edit needs.
            ValidationError: The edit is not valid.
        """
        values = values_of(row)
        tenant_id = self._tenant_id
        edit = self._new_edit(
            self._text(values, self._distinct_id),
            # Without a tenant it is the user's own profile that is written.
            None if tenant_id is None or not self._has_value(values, tenant_id) else self._text(values, tenant_id),
        )
        for channel, column in self._channels:
            if self._has_value(values, column):
                for value in self._channel_values(channel, column, values[column]):
                    if type(value) is str:
                        # It has been checked, and the builder's own checks take as long as all else.
                        edit.operations.append({"$append": {channel: value}})
                    else:
                        edit.append(channel, value)
        for name, column in self._preferences:
            if self._has_value(values, column):
                edit.set(name, self._text(values, column))
        self._set(edit, self._properties(values))
        if not edit.operations:
            raise MappingError(
                "the row has nothing to write: beside the id, no column that the mapping names has a value",
                outcome="rejected",
            )
        edit.time = self._time
        # Of what it writes as well: a row that was corrected is another edit, should the platform heed the id.
        edit.insert_id = insert_id_of(f"{self._identity}-{row.number}-{edit.distinct_id}-{edit.operations!r}")
        return edit

    def _set(self, edit: UserEdit, properties: dict[str, Any]) -> None:
        if not properties:
            return
        if not self._seen_names.issuperset(properties):
            self._check_names(properties)
        if self._seen_names.issuperset(properties) and _PLAIN.issuperset(map(type, properties.values())):
            # As above: there is nothing in it that the builder could refuse or change.
            edit.operations.append({"$set": properties})
        else:
            edit.set(properties)

    def _check_names(self, properties: Iterable[str]) -> None:
        name = _reserved(properties)
        if name is not None:
            raise MappingError(f"{name!r} cannot be the name of a property; {_RESERVED}", outcome="rejected")
        # The names of JSON Lines are without end in a file that was made to have them.
        if len(self._seen_names) < _MOST_NAMES:
            self._seen_names.update(name for name in properties if name and name == name.strip())

    def _channel_values(self, channel: str, column: str, value: Any) -> list[Any]:
        """Return the values for a channel that a cell holds."""
        if isinstance(value, str) and column in self._types:
            value = convert(value, self._types[column], column)
        found = cast("list[object]", value) if isinstance(value, list) else [value]
        return [_channel_value(channel, column, each) for each in found]


_MOST_NAMES = 10_000
_PLAIN = frozenset({str, int, bool})


def _channel_value(channel: str, column: str, value: Any) -> Any:
    if type(value) is int and channel in _RULES and channel != "$email":
        # Parquet and JSON may hold a phone number as one; the sign is lost there, and with it the country.
        raise MappingError(
            f"column {column!r} holds a number, and {channel[1:]} takes a text: a phone number with + and the country "
            "code, for example +15550100",
            outcome="rejected",
        )
    if isinstance(value, str):
        value = value.strip()
        if not value:
            raise MappingError(f"column {column!r} holds nothing but spaces", outcome="rejected")
        if channel in _TEXT_OF_OBJECT:
            raise MappingError(
                f"column {column!r} holds a text, and {channel[1:]} takes an object; if the text is JSON, say so with "
                f"--type {column}=json",
                outcome="rejected",
            )
    rule = _RULES.get(channel)
    if rule is not None and (not isinstance(value, str) or not rule[0].fullmatch(value)):
        has_length = channel != "$email" or not isinstance(value, str) or 6 <= len(value) <= 320
        problem = rule[1] if has_length else f"{rule[1]} of 6 to 320 characters"
        raise MappingError(f"the value in column {column!r} {problem}", outcome="rejected")
    return value


_TEXT_OF_OBJECT = frozenset({"$webpush", "$slack", "$ms_teams"})
