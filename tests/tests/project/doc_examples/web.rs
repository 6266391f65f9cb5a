//! What is replaced in blocks that speak to a service.

use super::Scenes;
use crate::web::newcomers;

fn address(url: &str) -> String {
    url.trim_end_matches('/').to_owned()
}

pub(super) fn board(scenes: &Scenes) -> Vec<(&'static str, String)> {
    let begin = "name=$(curl -H \"$auth\" -H 'Content-Type: application/json' $board/campaigns -d '{\"only\": \"all\"}' \
                 | jq -r .name)\ncurl -H \"$auth\" $board  ";
    vec![
        ("https://archives.pod.example", address(&scenes.closing.service.url)),
        ("pappus_…", scenes.board_token.clone()),
        ("curl -H \"$auth\" $board  ", begin.to_owned()),
        // Whether there is still something to pause a moment later is nobody's promise: board_api.rs holds campaigns.
        (
            "$board/campaigns/20261201T080000Z -d '{\"act\": \"pause\"}'",
            "$board/campaigns/$name -d '{\"act\": \"retry\"}'".to_owned(),
        ),
    ]
}

pub(super) fn token(scenes: &Scenes) -> Vec<(&'static str, String)> {
    vec![
        ("https://move.pod.example", address(&scenes.closing.service.url)),
        ("-b cookies", format!("-b {}", scenes.cookies.display())),
    ]
}

pub(super) fn archives(scenes: &Scenes) -> Vec<(&'static str, String)> {
    let url = address(&scenes.closing.service.url);
    let wait = format!(
        "until_it_says '\"r1\"' \"curl -H 'Authorization: Bearer $TOKEN' {url}/api/v1/archives\"\n\
         curl -H \"Authorization: Bearer $TOKEN\" -OJ {url}/api/v1/archives/r1/file"
    );
    let file =
        "curl -H \"Authorization: Bearer $TOKEN\" -OJ https://move.pod.example/api/v1/archives/r1/file";
    vec![(file, wait), ("https://move.pod.example", url)]
}

pub(super) fn newcomer(scenes: &Scenes) -> Vec<(&'static str, String)> {
    let until = |state: &str, shown: &str| {
        format!("until_it_says '\"{state}\"' 'curl $pod/api/v1/newcomers/me -H \"$auth\"'  # {shown}")
    };
    vec![
        ("https://move.pod.example", address(&scenes.haven_service.url)),
        ("\"password\": \"…\"", format!("\"password\": \"{}\"", newcomers::PASSWORD)),
        (
            "curl $pod/api/v1/newcomers/me -H \"$auth\"        # until it says",
            until("checked", "until it says"),
        ),
        // On this pod a podmin approves first.
        (
            "curl $pod/api/v1/newcomers/me -H \"$auth\"        # \"imported\"",
            format!(
                "{}\ncurl -H 'Authorization: Bearer {}' -H 'Content-Type: application/json' -X PATCH \
                 $pod/api/v1/board/newcomers/2 -d '{{\"act\": \"yes\"}}'\n{}",
                until("waiting", "approval"),
                scenes.haven_token,
                until("announced", "\"imported\""),
            ),
        ),
    ]
}

/// Somebody waits, before the block begins.
pub(super) fn podmin_of_newcomers(scenes: &Scenes) -> Vec<(&'static str, String)> {
    let url = address(&scenes.haven_service.url);
    let archive = scenes.haven.source.archive("out", "jonas");
    let waiting = format!(
        "pod={url}\nsecret=$(curl -X POST $pod/api/v1/newcomers -H 'Content-Type: application/json' -d '{{}}' | jq -r .secret)\n\
         mine=\"Authorization: Bearer $secret\"\n\
         place=$(curl -i -X POST $pod/newcomers/uploads -H \"$mine\" -H 'Tus-Resumable: 1.0.0' \
         -H \"Upload-Length: $(stat -c %s {0})\" -H 'Upload-Metadata: part YXJjaGl2ZQ==' | tr -d '\\r' | sed -n 's/^location: //p')\n\
         curl -X PATCH $pod$place -H \"$mine\" -H 'Tus-Resumable: 1.0.0' -H 'Upload-Offset: 0' \
         -H 'Content-Type: application/offset+octet-stream' --data-binary @{0}\n\
         curl -X POST $pod/api/v1/newcomers/me/look -H \"$mine\" -H 'Content-Type: application/json' -d '{{}}'\n\
         until_it_says '\"refused\"\\|\"checked\"' 'curl $pod/api/v1/newcomers/me -H \"$mine\"'\n\
         curl -X POST $pod/api/v1/newcomers/me/choice -H \"$mine\" -H 'Content-Type: application/json' \
         -d '{{\"username\": \"jonas\", \"email\": \"jonas@mail.example\", \"password\": \"{1}\"}}'\n\
         id=$(curl -H 'Authorization: Bearer {2}' \"$pod/api/v1/board/newcomers?state=waiting\" | jq '.newcomers[0].id')\n\
         board=",
        archive.display(),
        newcomers::PASSWORD,
        scenes.haven_token,
    );
    vec![
        ("board=", waiting),
        ("https://move.pod.example", url),
        ("pappus_…", scenes.haven_token.clone()),
        ("$board/newcomers/17", "$board/newcomers/$id".to_owned()),
        ("$board/invitations/3", "$board/invitations/1".to_owned()),
        ("closing.example=SHA256:…", format!("other.example=SHA256:{}", "ab".repeat(32))),
        ("$board/trusted-pods/2", "$board/trusted-pods/1".to_owned()),
    ]
}
