"""What the platform says of tenants, brands and the preferences that a tenant sets as defaults."""

from __future__ import annotations

from typing import Annotated

from suprsend_async.resources.models import (
    LENIENT,
    OptionalFlag,
    OptionalMap,
    OptionalMaps,
    OptionalText,
    OptionalTexts,
    Record,
    Text,
)


class Tenant(Record):
    """A tenant: its name, looks and links.

    Attributes:
        tenant_id: Its id.
        tenant_name: Its name.
        logo: The URL of its logo.
        timezone: Its time zone, by its IANA name.
        blocked_channels: Channels that its users are not reached on.
        embedded_preference_url: Where its users set their preferences.
        hosted_preference_domain: The domain of the page that the platform hosts for that.
        primary_color: A colour, `#` and six hex digits.
        secondary_color: A colour.
        tertiary_color: A colour.
        social_links: Whole URLs by the network's name.
        properties: Its properties.
        updated_at: When it was changed last, in ISO 8601.

    Examples:
        >>> Tenant.model_validate({"tenant_id": "acme", "tenant_name": "Acme", "properties": {"plan": "pro"}})
        Tenant(tenant_id, tenant_name, properties[1])
    """

    tenant_id: Text
    tenant_name: OptionalText = None
    logo: OptionalText = None
    timezone: OptionalText = None
    blocked_channels: OptionalTexts = None
    embedded_preference_url: OptionalText = None
    hosted_preference_domain: OptionalText = None
    primary_color: OptionalText = None
    secondary_color: OptionalText = None
    tertiary_color: OptionalText = None
    social_links: OptionalMap = None
    properties: OptionalMap = None
    updated_at: OptionalText = None


class Brand(Record):
    """A brand, the older form of a tenant. What is not listed here is as in `Tenant`.

    Attributes:
        brand_id: Its id.
        brand_name: Its name.

    Examples:
        >>> Brand.model_validate({"brand_id": "acme", "brand_name": "Acme"}).brand_name
        'Acme'
    """

    brand_id: Text
    brand_name: OptionalText = None
    logo: OptionalText = None
    blocked_channels: OptionalTexts = None
    embedded_preference_url: OptionalText = None
    hosted_preference_domain: OptionalText = None
    primary_color: OptionalText = None
    secondary_color: OptionalText = None
    tertiary_color: OptionalText = None
    social_links: OptionalMap = None
    properties: OptionalMap = None
    updated_at: OptionalText = None


class TenantCategory(Record):
    """What a tenant sets as default for one category.

    Attributes:
        category: The category's slug.
        name: Its name.
        description: What it is for.
        tags: Its tags.
        effective_tags: Its tags and those of what it belongs to.
        root_category: "system", "transactional" or "promotional".
        default_preference: What counts without the tenant's own choice.
        preference: The tenant's choice: "opt_in", "opt_out" or "cant_unsubscribe".
        enabled_for_tenant: Whether it is sent to the tenant's users at all.
        visible_to_subscriber: Whether users see it.
        mandatory_channels: Channels that cannot be unsubscribed from.
        opt_in_channels: Channels that are on by default; None for all.
        blocked_channels: Channels that it is not sent on.
        digest_schedule: The schedules of its digests.
        properties: Properties that users may set.
        updated_at: When it was changed last, in ISO 8601.

    Examples:
        >>> TenantCategory.model_validate({"category": "alerts", "preference": "opt_out"}).preference
        'opt_out'
    """

    category: Text
    name: OptionalText = None
    description: OptionalText = None
    tags: OptionalTexts = None
    effective_tags: OptionalTexts = None
    root_category: OptionalText = None
    default_preference: OptionalText = None
    preference: OptionalText = None
    enabled_for_tenant: OptionalFlag = None
    visible_to_subscriber: OptionalFlag = None
    mandatory_channels: OptionalTexts = None
    opt_in_channels: OptionalTexts = None
    blocked_channels: OptionalTexts = None
    digest_schedule: OptionalMap = None
    properties: OptionalMaps = None
    updated_at: OptionalText = None


class TenantSection(Record):
    """Categories under one heading.

    Attributes:
        name: The heading; None for categories without one.
        slug: Its slug.
        description: What it is for.
        tags: Its tags.
        categories: The categories.

    Examples:
        >>> TenantSection.model_validate({"slug": "product", "categories": [{"category": "news"}]})
        TenantSection(slug, categories[1])
    """

    name: OptionalText = None
    slug: OptionalText = None
    description: OptionalText = None
    tags: OptionalTexts = None
    categories: Annotated[list[TenantCategory] | None, LENIENT] = None


class RootCategory(Record):
    """The sections of one root category.

    Attributes:
        root_category: "system", "transactional" or "promotional".
        sections: Its sections.

    Examples:
        >>> RootCategory.model_validate({"root_category": "system", "sections": []}).root_category
        'system'
    """

    root_category: Text
    sections: Annotated[list[TenantSection] | None, LENIENT] = None


class TenantPreferences(Record):
    """All that a tenant sets as default.

    Attributes:
        root_categories: The categories, under their root category and heading.

    Examples:
        >>> preferences = TenantPreferences.model_validate({"root_categories": [{"root_category": "system"}]})
        >>> [found.root_category for found in preferences.root_categories or []]
        ['system']
    """

    root_categories: Annotated[list[RootCategory] | None, LENIENT] = None
