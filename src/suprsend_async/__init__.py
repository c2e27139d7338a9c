"""The SuprSend notification platform: events, workflows and people; asynchronous first, with a blocking facade."""

from importlib import import_module

from suprsend_async.version import __version__

TYPE_CHECKING = False  # as in `typing`, which takes as long to import as half an interpreter

if TYPE_CHECKING:
    from suprsend_async.api.response import EventResponse
    from suprsend_async.blocking import Suprsend
    from suprsend_async.buffering.blocking import BlockingBufferedTracker, BlockingDurableTracker
    from suprsend_async.buffering.reports import BufferStats
    from suprsend_async.buffering.spool.dead_letters import DeadLetter
    from suprsend_async.buffering.spool.tracker import DurableTracker
    from suprsend_async.buffering.tracker import BufferedTracker
    from suprsend_async.bulk.progress import Progress
    from suprsend_async.bulk.results import BulkResponse, FailedRecord, RecordResult
    from suprsend_async.client import AsyncSuprsend
    from suprsend_async.errors import (
        AuthenticationError,
        BufferFull,
        ConfigurationError,
        Conflict,
        ConnectionFailed,
        DeadlineExceeded,
        NotFound,
        PayloadTooLarge,
        RateLimited,
        ResponseError,
        ServerError,
        SpoolError,
        SuprsendError,
        TransportError,
        ValidationError,
    )
    from suprsend_async.events.attachment import Attachment
    from suprsend_async.events.event import Event
    from suprsend_async.events.event_properties import EventProperties
    from suprsend_async.resources.blocking_lists import BlockingListVersion
    from suprsend_async.resources.blocking_users import BlockingUserBulk
    from suprsend_async.resources.blocking_workflows import BlockingWorkflowBulk
    from suprsend_async.resources.broadcast import SubscriberListBroadcast
    from suprsend_async.resources.edits import ObjectEdit, UserEdit
    from suprsend_async.resources.file_attachment import FileAttachment
    from suprsend_async.resources.identity import UserBulk
    from suprsend_async.resources.list_models import Cancellation, ListUpdate, Subscriber
    from suprsend_async.resources.list_sync import ListVersion
    from suprsend_async.resources.message_models import (
        Message,
        MessageContent,
        MessageUpdate,
        Template,
        TemplateChannel,
    )
    from suprsend_async.resources.models import (
        ListSubscription,
        SubscriberList,
        Subscription,
        SuprsendObject,
        TenantProfile,
        User,
    )
    from suprsend_async.resources.page import Page
    from suprsend_async.resources.preference_models import (
        CategoryPreference,
        ChannelPreference,
        ChannelPreferences,
        Preferences,
        PreferenceSection,
    )
    from suprsend_async.resources.recipients import ObjectRecipient, Recipient
    from suprsend_async.resources.responses import TriggerResponse
    from suprsend_async.resources.tenant_models import (
        Brand,
        RootCategory,
        Tenant,
        TenantCategory,
        TenantPreferences,
        TenantSection,
    )
    from suprsend_async.resources.trigger import WorkflowTriggerRequest
    from suprsend_async.resources.workflow_data import WorkflowData
    from suprsend_async.resources.workflows import WorkflowBulk

__all__ = [
    "AsyncSuprsend",
    "Attachment",
    "AuthenticationError",
    "BlockingBufferedTracker",
    "BlockingDurableTracker",
    "BlockingListVersion",
    "BlockingUserBulk",
    "BlockingWorkflowBulk",
    "Brand",
    "BufferFull",
    "BufferStats",
    "BufferedTracker",
    "BulkResponse",
    "Cancellation",
    "CategoryPreference",
    "ChannelPreference",
    "ChannelPreferences",
    "ConfigurationError",
    "Conflict",
    "ConnectionFailed",
    "DeadLetter",
    "DeadlineExceeded",
    "DurableTracker",
    "Event",
    "EventProperties",
    "EventResponse",
    "FailedRecord",
    "FileAttachment",
    "ListSubscription",
    "ListUpdate",
    "ListVersion",
    "Message",
    "MessageContent",
    "MessageUpdate",
    "NotFound",
    "ObjectEdit",
    "ObjectRecipient",
    "Page",
    "PayloadTooLarge",
    "PreferenceSection",
    "Preferences",
    "Progress",
    "RateLimited",
    "Recipient",
    "RecordResult",
    "ResponseError",
    "RootCategory",
    "ServerError",
    "SpoolError",
    "Subscriber",
    "SubscriberList",
    "SubscriberListBroadcast",
    "Subscription",
    "Suprsend",
    "SuprsendError",
    "SuprsendObject",
    "Template",
    "TemplateChannel",
    "Tenant",
    "TenantCategory",
    "TenantPreferences",
    "TenantProfile",
    "TenantSection",
    "TransportError",
    "TriggerResponse",
    "User",
    "UserBulk",
    "UserEdit",
    "ValidationError",
    "WorkflowBulk",
    "WorkflowData",
    "WorkflowTriggerRequest",
    "__version__",
]

# Each is imported when it is first used. The command's `--version` and `--help` use none; most programs block nowhere,
# or buffer nothing.
_LATER = {
    "AsyncSuprsend": "client",
    "Attachment": "events.attachment",
    "AuthenticationError": "errors",
    "BlockingBufferedTracker": "buffering.blocking",
    "BlockingDurableTracker": "buffering.blocking",
    "BlockingListVersion": "resources.blocking_lists",
    "BlockingUserBulk": "resources.blocking_users",
    "BlockingWorkflowBulk": "resources.blocking_workflows",
    "Brand": "resources.tenant_models",
    "BufferFull": "errors",
    "BufferStats": "buffering.reports",
    "BufferedTracker": "buffering.tracker",
    "BulkResponse": "bulk.results",
    "Cancellation": "resources.list_models",
    "CategoryPreference": "resources.preference_models",
    "ChannelPreference": "resources.preference_models",
    "ChannelPreferences": "resources.preference_models",
    "ConfigurationError": "errors",
    "Conflict": "errors",
    "ConnectionFailed": "errors",
    "DeadLetter": "buffering.spool.dead_letters",
    "DeadlineExceeded": "errors",
    "DurableTracker": "buffering.spool.tracker",
    "Event": "events.event",
    "EventResponse": "api.response",
    "FailedRecord": "bulk.results",
    "EventProperties": "events.event_properties",
    "FileAttachment": "resources.file_attachment",
    "ListSubscription": "resources.models",
    "ListUpdate": "resources.list_models",
    "ListVersion": "resources.list_sync",
    "Message": "resources.message_models",
    "MessageContent": "resources.message_models",
    "MessageUpdate": "resources.message_models",
    "NotFound": "errors",
    "ObjectEdit": "resources.edits",
    "ObjectRecipient": "resources.recipients",
    "Page": "resources.page",
    "PayloadTooLarge": "errors",
    "PreferenceSection": "resources.preference_models",
    "Preferences": "resources.preference_models",
    "Progress": "bulk.progress",
    "RateLimited": "errors",
    "Recipient": "resources.recipients",
    "RecordResult": "bulk.results",
    "ResponseError": "errors",
    "RootCategory": "resources.tenant_models",
    "ServerError": "errors",
    "SpoolError": "errors",
    "Subscriber": "resources.list_models",
    "SubscriberList": "resources.models",
    "SubscriberListBroadcast": "resources.broadcast",
    "Subscription": "resources.models",
    "Suprsend": "blocking",
    "SuprsendError": "errors",
    "SuprsendObject": "resources.models",
    "Template": "resources.message_models",
    "TemplateChannel": "resources.message_models",
    "Tenant": "resources.tenant_models",
    "TenantCategory": "resources.tenant_models",
    "TenantPreferences": "resources.tenant_models",
    "TenantProfile": "resources.models",
    "TenantSection": "resources.tenant_models",
    "TransportError": "errors",
    "TriggerResponse": "resources.responses",
    "User": "resources.models",
    "UserBulk": "resources.identity",
    "UserEdit": "resources.edits",
    "ValidationError": "errors",
    "WorkflowBulk": "resources.workflows",
    "WorkflowData": "resources.workflow_data",
    "WorkflowTriggerRequest": "resources.trigger",
}


if not TYPE_CHECKING:
    # No `__dir__` beside it: freezegun looks at all that `dir()` says of every module, which would import everything.
    def __getattr__(name: str) -> object:
        if name not in _LATER:
            from suprsend_async.released_names import instead_in_package

            advice = instead_in_package(name)
            use = f"; use {advice}" if advice else ""
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}{use}")
        found = globals()[name] = getattr(import_module(f"suprsend_async.{_LATER[name]}"), name)
        return found
