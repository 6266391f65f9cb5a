//! Records with every field set, for tests.

use serde_json::{Value, json};

pub(super) fn post() -> Value {
    json!({
        "subscribed_pods_uris": ["https://nest.example/"],
        "entity_type": "status_message",
        "entity_data": {
            "author": "wren@nest.example", "guid": "0123456789abcdef", "created_at": "2014-03-02T10:11:12Z",
            "public": true, "text": "A day in the garden", "provider_display_name": "mobile",
            "photos": [{"entity_type": "photo", "entity_data": {
                "guid": "fedcba9876543210", "author": "wren@nest.example", "public": true,
                "created_at": "2014-03-02T10:11:12Z", "remote_photo_path": "https://nest.example/uploads/images/",
                "remote_photo_name": "a.jpg", "text": "the gate", "status_message_guid": "0123456789abcdef",
                "height": 60, "width": 80,
            }}],
            "location": {"entity_type": "location", "entity_data": {"address": "Yard", "lat": "52.5", "lng": "13.4"}},
            "poll": {"entity_type": "poll", "entity_data": {
                "guid": "1111111111111111", "question": "Which?",
                "poll_answers": [
                    {"entity_type": "poll_answer", "entity_data": {"guid": "2222222222222222", "answer": "This"}},
                    {"entity_type": "poll_answer", "entity_data": {"guid": "3333333333333333", "answer": "That"}},
                ],
            }},
        },
    })
}

pub(super) fn contact() -> Value {
    json!({
        "sharing": true, "receiving": false, "following": true, "followed": false,
        "person_guid": "0123456789abcdef", "person_name": "Oak", "account_id": "oak@oak.example",
        "public_key": "-----BEGIN PUBLIC KEY-----", "contact_groups_membership": ["Family"],
    })
}

pub(super) fn comment() -> Value {
    json!({
        "entity_type": "comment",
        "entity_data": {
            "author": "oak@oak.example", "guid": "0123456789abcdef", "parent_guid": "fedcba9876543210",
            "author_signature": "c2lnbmF0dXJl", "text": "how lovely", "created_at": "2014-03-02T10:11:12Z",
            "edited_at": "2014-03-02T11:00:00Z",
        },
        "property_order": ["author", "guid", "parent_guid", "text", "created_at", "edited_at"],
    })
}

pub(super) fn profile() -> Value {
    json!({"entity_type": "profile", "entity_data": {
        "author": "wren@nest.example", "edited_at": "2020-01-01T00:00:00Z", "first_name": "Wren", "bio": "small",
        "birthday": "2000-02-29", "searchable": true, "public": false, "nsfw": false, "tag_string": "#a #b",
    }})
}
