"""What the platform says of preferences."""

from __future__ import annotations

from typing import Annotated

from suprsend_async.resources.models import (
    LENIENT,
    OptionalFlag,
    OptionalMaps,
    OptionalText,
    OptionalTexts,
    Record,
    Text,
)


class CategoryPreference(Record):
    """What somebody wants of one category.

    Attributes:
        category: The category's slug.
        name: Its name.
        description: What it is for.
        preference: "opt_in", "opt_out" or "cant_unsubscribe".
        original_preference: What it is without the user's own choice.
        is_editable: Whether the user may choose.
        tags: Its tags.
        channels: One object for each channel: `channel`, `preference`, `is_editable`.

    Examples:
        >>> CategoryPreference.model_validate({"category": "newsletter", "preference": "opt_in"}).preference
        'opt_in'
    """

    category: Text
    name: OptionalText = None
    description: OptionalText = None
    preference: OptionalText = None
    original_preference: OptionalText = None
    is_editable: OptionalFlag = None
    tags: OptionalTexts = None
    channels: OptionalMaps = None


class ChannelPreference(Record):
    """Whether a channel is restricted to what has to be sent on it.

    Attributes:
        channel: The channel, such as "email".
        is_restricted: Whether only categories with that mandatory channel are sent on it.

    Examples:
        >>> ChannelPreference.model_validate({"channel": "sms", "is_restricted": True}).is_restricted
        True
    """

    channel: Text
    is_restricted: OptionalFlag = None


class PreferenceSection(Record):
    """Categories under one heading.

    Attributes:
        name: The heading; None for categories without one.
        slug: Its slug.
        description: What it is for.
        subcategories: The categories.

    Examples:
        >>> section = PreferenceSection.model_validate({"slug": "product", "subcategories": [{"category": "news"}]})
        >>> [category.category for category in section.subcategories or []]
        ['news']
    """

    name: OptionalText = None
    slug: OptionalText = None
    description: OptionalText = None
    subcategories: Annotated[list[CategoryPreference] | None, LENIENT] = None


class ChannelPreferences(Record):
    """What somebody wants of the channels, whatever the category.

    Attributes:
        channel_preferences: One entry for each channel.

    Examples:
        >>> ChannelPreferences.model_validate({"channel_preferences": [{"channel": "sms"}]})
        ChannelPreferences(channel_preferences[1])
    """

    channel_preferences: Annotated[list[ChannelPreference] | None, LENIENT] = None


class Preferences(ChannelPreferences):
    """All preferences of a user or an object.

    Attributes:
        sections: The categories, under their headings.
        channel_preferences: One entry for each channel.

    Examples:
        >>> preferences = Preferences.model_validate({"sections": [{"slug": "product", "subcategories": []}]})
        >>> [section.slug for section in preferences.sections or []]
        ['product']
    """

    sections: Annotated[list[PreferenceSection] | None, LENIENT] = None
