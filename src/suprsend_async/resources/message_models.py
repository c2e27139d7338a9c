"""What the platform says of messages that were sent, and of templates."""

from __future__ import annotations

from typing import Annotated, Any

from suprsend_async.resources.models import (
    LENIENT,
    OptionalFlag,
    OptionalMap,
    OptionalMaps,
    OptionalNumber,
    OptionalText,
    OptionalTexts,
    Record,
    Text,
)

# A number, and in one example a text.
OptionalId = Annotated[int | str | None, LENIENT]


class Message(Record):
    """A notification on one channel to one recipient. Times are in ISO 8601, and None until it happens.

    Attributes:
        message_id: Its id.
        status: Where it stands, such as "sent_by_vendor", "delivered" or "seen".
        channel: The channel, such as "email".
        category: The category's slug.
        recipient: Who it is for: `$type`, and `distinct_id` or `object_type` and `id`.
        channel_identity: Where it was sent, without credentials.
        content: What was sent, where it was asked for.
        idempotency_key: The key of the trigger, event or broadcast.
        execution_id: The run that sent it.
        parent_execution_id: The run that began that one.
        parent_entity_id: The object that it came through.
        parent_entity_type: The type of that object.
        workflow: The workflow: `slug`, `version_id`, `name`, `node_ref`.
        template: The template: `name`, `slug`, `version_no`, `variant_id`.
        vendor: Who delivers it: `name` and `nickname`.
        tenant_id: The tenant.
        failure_reason: Why it failed.
        is_campaign: Whether a broadcast sent it.
        is_read: Whether it is marked as read.
        is_archived: Whether it is archived.
        created_at: When it was made.
        updated_at: When it was changed last.
        triggered_at: When it was given to the vendor.
        delivered_at: When it was delivered.
        seen_at: When it was seen.
        clicked_at: When it was clicked.
        dismissed_at: When it was dismissed.
        read_at: When it was marked as read.
        unread_at: When it was marked as unread.
        archived_at: When it was archived.
        unarchived_at: When that was undone.

    Examples:
        >>> message = Message.model_validate({"message_id": "01JQ7Z5C", "status": "seen", "channel": "email"})
        >>> message, message.status
        (Message(message_id, status, channel), 'seen')
    """

    message_id: Text
    status: OptionalText = None
    channel: OptionalText = None
    category: OptionalText = None
    recipient: OptionalMap = None
    channel_identity: OptionalMap = None
    content: OptionalMap = None
    idempotency_key: OptionalText = None
    execution_id: OptionalText = None
    parent_execution_id: OptionalText = None
    parent_entity_id: OptionalText = None
    parent_entity_type: OptionalText = None
    workflow: OptionalMap = None
    template: OptionalMap = None
    vendor: OptionalMap = None
    tenant_id: OptionalText = None
    failure_reason: OptionalText = None
    is_campaign: OptionalFlag = None
    is_read: OptionalFlag = None
    is_archived: OptionalFlag = None
    created_at: OptionalText = None
    updated_at: OptionalText = None
    triggered_at: OptionalText = None
    delivered_at: OptionalText = None
    seen_at: OptionalText = None
    clicked_at: OptionalText = None
    dismissed_at: OptionalText = None
    read_at: OptionalText = None
    unread_at: OptionalText = None
    archived_at: OptionalText = None
    unarchived_at: OptionalText = None


class MessageContent(Record):
    """What a message says.

    Attributes:
        channel: The channel, such as "email".
        content: Its content, in the channel's own form.

    Examples:
        >>> MessageContent.model_validate({"channel": "email", "content": {"header": "Hello"}})
        MessageContent(channel, content[1])
    """

    channel: OptionalText = None
    content: OptionalMap = None


class MessageUpdate(Record):
    """The result of one of several changes of messages.

    Attributes:
        message_id: The message's id.
        status_code: 202 if it was done; 404, 422 or 500 if not.
        error: `type` and `message` of what went wrong; None if nothing did.

    Examples:
        >>> MessageUpdate.model_validate({"message_id": "01JQ7Z5C", "status_code": 202, "error": None}).success
        True
    """

    message_id: Text
    status_code: OptionalNumber = None
    error: Any = None

    @property
    def success(self) -> bool:
        """Whether it was done."""
        status_code: object = self.status_code
        return self.error is None and (not isinstance(status_code, int) or status_code < 400)


class Template(Record):
    """A template.

    Attributes:
        slug: Its slug.
        id: Its id.
        name: Its name.
        description: What it is for.
        is_active: Whether it is in use.
        default_language: `name` and `slug` of its language.
        enabled_languages: Its languages.
        is_auto_translate_enabled: Whether the platform translates it.
        channels: Its channels, one object for each; `client.templates.get_channel` has their content.
        tags: Its tags: `id` and `name`.
        created_at: When it was made, in ISO 8601.
        updated_at: When it was changed last.
        updated_by: `name` and `email` of who changed it.
        last_triggered_at: When it was used last.

    Examples:
        >>> Template.model_validate({"id": 4711, "slug": "welcome", "name": "Welcome"}).slug
        'welcome'
    """

    slug: Text
    id: OptionalId = None
    name: OptionalText = None
    description: OptionalText = None
    is_active: OptionalFlag = None
    default_language: OptionalMap = None
    enabled_languages: OptionalTexts = None
    is_auto_translate_enabled: OptionalFlag = None
    channels: OptionalMaps = None
    tags: OptionalMaps = None
    created_at: OptionalText = None
    updated_at: OptionalText = None
    updated_by: OptionalMap = None
    last_triggered_at: OptionalText = None


class TemplateChannel(Record):
    """What a template says on one channel.

    Attributes:
        id: Its id.
        channel: The channel: `name`, `slug`, `is_template_approval_needed`.
        is_active: Whether it is in use.
        is_enabled: Whether it is switched on.
        disabled_languages: Languages that are switched off.
        versions: Its versions, each with `templates` by language.
        created_at: When it was made, in ISO 8601.
        updated_at: When it was changed last.

    Examples:
        >>> TemplateChannel.model_validate({"id": 12, "channel": {"slug": "email"}, "versions": []})
        TemplateChannel(id, channel[1], versions[0])
    """

    id: OptionalId = None
    channel: OptionalMap = None
    is_active: OptionalFlag = None
    is_enabled: OptionalFlag = None
    disabled_languages: OptionalTexts = None
    versions: OptionalMaps = None
    created_at: OptionalText = None
    updated_at: OptionalText = None
