//! Posts with all of their parts.

use std::collections::HashSet;

use super::{Action, BatchPlan, Context};
use crate::domain::{
    CountKind, Entity, Guid, OwnPost, Photo, Poll, PollAnswer, Post, Reshare, StatusMessage,
};
use crate::import::journal::notes::{Intent, Noted, kinds};
use crate::import::report::FindingCode;
use crate::import::scan::existing::posts::ExistingPosts;

/// The posts of a batch that are written.
pub(in crate::import) struct PostRows<'a> {
    pub(in crate::import) context: Context<'a>,
    /// New posts, with those of their photos that are new.
    pub(in crate::import) new: Vec<OwnPost>,
    /// The old person's posts, which become the account's, with their row numbers.
    pub(in crate::import) adopted: Vec<(i64, OwnPost)>,
    /// Row numbers of the photos of new posts that exist already as the old person's.
    pub(in crate::import) adopted_photos: Vec<i64>,
    /// The account's limited posts: no reshare may point at them.
    pub(in crate::import) limited: Vec<Guid>,
}

/// Plans the posts. `reshared` contains the posts that the account has reshared in earlier batches.
pub(in crate::import) fn posts<'a>(
    context: Context<'a>,
    existing: ExistingPosts,
    reshared: &mut HashSet<Guid>,
    posts: Vec<OwnPost>,
) -> BatchPlan<PostRows<'a>> {
    let rows = PostRows { context, new: vec![], adopted: vec![], adopted_photos: vec![], limited: vec![] };
    let mut planner = Planner {
        context,
        existing,
        reshared,
        seen: HashSet::new(),
        new_photos: HashSet::new(),
        written_photos: HashSet::new(),
        plan: BatchPlan::new(rows),
    };
    for post in posts {
        planner.add(post);
    }
    planner.plan
}

/// A plan in progress, with the rows and notes that it depends on.
struct Planner<'a, 'b> {
    context: Context<'a>,
    existing: ExistingPosts,
    reshared: &'b mut HashSet<Guid>,
    seen: HashSet<Guid>,
    /// Photos of the batch's new posts.
    new_photos: HashSet<Guid>,
    /// Photos of posts that an earlier run wrote.
    written_photos: HashSet<Guid>,
    plan: BatchPlan<PostRows<'a>>,
}

impl Planner<'_, '_> {
    fn add(&mut self, mut post: OwnPost) {
        let (guid, kind) = (post.post.guid().clone(), kind_of(&post.post));
        let action = self.action(&post.post);
        self.plan.add(kind, "posts", &guid, action);
        let part_action = match action {
            Action::Insert | Action::Omit(FindingCode::DeletedSince) => action,
            Action::Adopt(_) => Action::Present(None),
            // Parts of posts are not counted among the records that an earlier run has written.
            Action::Present(noted) => {
                Action::Present(noted.map(|noted| Noted { is_earlier: false, ..noted }))
            }
            Action::Omit(_) | Action::Note(_) => return,
        };
        if let Post::StatusMessage(message) = &mut post.post {
            self.add_parts(message, part_action);
            if !message.public && !matches!(action, Action::Omit(_)) {
                self.detach_reshares(message);
            }
        }
        match action {
            Action::Insert => self.plan.rows.new.push(post),
            Action::Adopt(row) => {
                for photo in self.existing.old_photos.remove(&row.id).into_iter().flatten() {
                    self.plan.intents.push(Intent::adopt("photos", &photo, Some(row.author)));
                }
                self.plan.rows.adopted.push((row.id, post));
            }
            _ => {}
        }
    }

    fn action(&mut self, post: &Post) -> Action {
        let (guid, root) = (post.guid(), root_of(post));
        // diaspora* allows one reshare of a post per person.
        let is_loop = self.existing.loops.contains(guid);
        let is_repeated = !is_loop && root.is_some_and(|root| !self.reshared.insert(root.clone()));
        if is_repeated || !self.seen.insert(guid.clone()) {
            return Action::Omit(FindingCode::Duplicate);
        }
        let (row, noted) = (self.existing.rows.get(guid.as_str()), self.existing.noted.get(guid.as_str()));
        match (Action::of_own_record(row, noted.copied(), self.context.account), root) {
            (Action::Insert, Some(root)) if self.existing.reshared.contains(root.as_str()) => {
                Action::Omit(FindingCode::Duplicate)
            }
            // Everybody would see the original (`Reshare#root_must_be_public`).
            (Action::Insert, Some(root)) if self.existing.limited.contains(root) => {
                Action::Omit(FindingCode::ParentNotVisible)
            }
            (Action::Insert, Some(_)) if is_loop => Action::Omit(FindingCode::ReshareLoop),
            (action, _) => action,
        }
    }

    /// Removes a limited post from reshares that were here before it: everybody would see it through them
    /// (`Reshare#root_must_be_public`). The report does not name them, as they are other people's.
    fn detach_reshares(&mut self, message: &StatusMessage) {
        let exposing_reshares =
            self.existing.exposing_reshares.remove(&message.guid.as_str().to_ascii_lowercase());
        let intent = |(guid, root)| Intent { kind: kinds::RESHARE_ROOTS, guid, previous: Some(root) };
        self.plan.intents.extend(exposing_reshares.into_iter().flatten().map(intent));
        self.plan.rows.limited.push(message.guid.clone());
    }

    /// Counts a post's photos and poll, and removes from a new post the parts that are not written with it.
    fn add_parts(&mut self, message: &mut StatusMessage, part_action: Action) {
        message.photos.retain(|Entity(photo)| self.add_photo(photo, part_action));
        if let Some(Entity(poll)) = &message.poll {
            if let Some(code) = self.poll_problem(&message.guid, poll, part_action) {
                self.plan.omit(CountKind::Polls, code, &poll.guid);
                message.poll = None;
            } else {
                self.plan.count(CountKind::Polls, &poll.guid, part_action);
            }
        }
    }

    /// Counts a photo; returns whether it is written with its post.
    fn add_photo(&mut self, photo: &Photo, part_action: Action) -> bool {
        if let Some(code) = self.photo_problem(photo, part_action) {
            self.plan.omit(CountKind::Photos, code, &photo.guid);
            return false;
        }
        self.plan.count(CountKind::Photos, &photo.guid, part_action);
        self.existing.photos.note_missing_file(&mut self.plan, self.context.files, photo);
        if part_action != Action::Insert {
            return false;
        }
        let row = self.existing.photos.rows.get(photo.guid.as_str());
        if let Some(row) = row {
            self.plan.intents.push(Intent::adopt("photos", &photo.guid, Some(row.author)));
            self.plan.rows.adopted_photos.push(row.id);
        } else {
            self.plan.intents.push(Intent::write("photos", &photo.guid));
        }
        row.is_none()
    }

    /// Returns the reason why a photo is left out; its post is imported without it.
    fn photo_problem(&mut self, photo: &Photo, part_action: Action) -> Option<FindingCode> {
        let (row, noted) = self.existing.photos.of(&photo.guid);
        let (account, guid) = (self.context.account, || photo.guid.clone());
        match part_action {
            Action::Omit(code) => Some(code),
            Action::Insert => {
                // A photo of the old person without a post here is the account's own.
                let is_free = row.is_none_or(|row| Some(row.author) == account.old_person);
                (!is_free || !self.new_photos.insert(guid())).then_some(FindingCode::GuidTaken)
            }
            Action::Present(Some(post)) if !post.existed_before() => {
                // The parts exist, or were left out by the run that wrote the post.
                let is_own = row.is_some_and(|row| row.author == account.person);
                let is_deleted = row.is_none() && noted.is_some();
                let code = if is_deleted { FindingCode::DeletedSince } else { FindingCode::GuidTaken };
                (!is_own || !self.written_photos.insert(guid())).then_some(code)
            }
            _ => {
                let is_deleted = row.is_none() && noted.is_some_and(|noted| noted.is_certain);
                is_deleted.then_some(FindingCode::DeletedSince)
            }
        }
    }

    /// Returns the reason why a poll is left out; its post is imported without it.
    fn poll_problem(&mut self, post: &Guid, poll: &Poll, part_action: Action) -> Option<FindingCode> {
        let is_taken = match part_action {
            Action::Omit(code) => return Some(code),
            Action::Insert => {
                let answers = &mut self.existing.answers;
                let is_taken = |Entity(answer): &Entity<PollAnswer>| !answers.insert(answer.guid.to_string());
                !self.existing.polls.insert(poll.guid.to_string()) || poll.poll_answers.iter().any(is_taken)
            }
            Action::Present(Some(noted)) if !noted.existed_before() => {
                let poll_of_post = (poll.guid.to_string(), post.to_string());
                if self.existing.polls_of_posts.contains(&poll_of_post) {
                    return None;
                }
                true
            }
            _ => return None,
        };
        // diaspora* allows no poll with fewer than two answers.
        if poll.poll_answers.len() < 2 {
            return Some(FindingCode::Unreadable);
        }
        is_taken.then_some(FindingCode::GuidTaken)
    }
}

/// Returns the status message; none for a reshare.
pub(in crate::import) fn status_message(post: &OwnPost) -> Option<&StatusMessage> {
    match &post.post {
        Post::StatusMessage(message) => Some(message),
        Post::Reshare(_) => None,
    }
}

fn kind_of(post: &Post) -> CountKind {
    match post {
        Post::StatusMessage(_) => CountKind::StatusMessages,
        Post::Reshare(_) => CountKind::Reshares,
    }
}

/// Returns the original of a reshare.
pub(in crate::import) fn root_of(post: &Post) -> Option<&Guid> {
    match post {
        Post::Reshare(Reshare { root_guid, .. }) => root_guid.as_ref(),
        Post::StatusMessage(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::decide::tests::{Fixture, actions, deleted, found, guid, written};
    use crate::import::target::ExistingRow;

    fn post(number: i64, photos: &[i64], answers: &[i64]) -> OwnPost {
        let photos = photos.iter().map(|photo| {
            serde_json::json!({ "entity_type": "photo", "entity_data": {
                "guid": guid(*photo), "author": "alice@old.example", "public": true,
                "created_at": "2020-01-01T00:00:00Z", "remote_photo_path": "https://old.example/",
                "remote_photo_name": format!("{photo}.jpg"),
            }})
        });
        let mut message = serde_json::json!({
            "author": "alice@old.example", "guid": guid(number), "created_at": "2020-01-01T00:00:00Z",
            "public": true, "text": "Hello", "photos": photos.collect::<Vec<_>>(),
        });
        if !answers.is_empty() {
            let answers = answers.iter().map(|answer| {
                serde_json::json!({ "entity_type": "poll_answer", "entity_data": {
                    "guid": guid(*answer), "answer": "Yes",
                }})
            });
            message["poll"] = serde_json::json!({ "entity_type": "poll", "entity_data": {
                "guid": guid(number + 500), "question": "?", "poll_answers": answers.collect::<Vec<_>>(),
            }});
        }
        let post = serde_json::json!({ "entity_type": "status_message", "entity_data": message });
        serde_json::from_value(post).unwrap()
    }

    fn reshare(number: i64, root: i64) -> OwnPost {
        let post = serde_json::json!({ "entity_type": "reshare", "entity_data": {
            "author": "alice@old.example", "guid": guid(number), "created_at": "2020-01-01T00:00:00Z",
            "root_author": "bob@far.example", "root_guid": guid(root),
        }});
        serde_json::from_value(post).unwrap()
    }

    fn row(number: i64, author: i64) -> (String, ExistingRow) {
        (guid(number).to_string(), ExistingRow { id: number, author })
    }

    fn plan_of(fixture: &Fixture, existing: ExistingPosts, list: Vec<OwnPost>) -> BatchPlan<PostRows<'_>> {
        posts(fixture.context(), existing, &mut HashSet::new(), list)
    }

    #[test]
    fn a_post_is_reshared_once_and_never_if_it_is_limited() {
        let fixture = Fixture::new();
        let existing = || ExistingPosts {
            reshared: [guid(91).to_string()].into(),
            limited: [guid(92)].into(),
            ..ExistingPosts::default()
        };
        let list = vec![reshare(1, 90), reshare(2, 90), reshare(3, 91), reshare(4, 92)];
        let plan = plan_of(&fixture, existing(), list);
        let duplicate = Action::Omit(FindingCode::Duplicate);
        let limited = Action::Omit(FindingCode::ParentNotVisible);
        assert_eq!(actions(&plan), [Action::Insert, duplicate, duplicate, limited]);
        let mut reshared = [guid(90)].into();
        let plan = posts(fixture.context(), existing(), &mut reshared, vec![reshare(1, 90)]);
        assert_eq!(actions(&plan), [duplicate]);
    }

    #[test]
    fn new_posts_come_without_parts_whose_guids_are_taken() {
        let fixture = Fixture::new();
        let mut existing = ExistingPosts::default();
        // One photo is somebody else's, one the old person's.
        existing.photos.rows = [row(11, 3), row(12, 2)].into();
        existing.photos.guids_with_file = [guid(12).to_string(), guid(13).to_string()].into();
        existing.answers = [guid(31).to_string()].into();
        let plan =
            plan_of(&fixture, existing, vec![post(1, &[11, 12, 13], &[31, 32]), post(2, &[], &[33, 34])]);
        assert_eq!(
            actions(&plan),
            [
                Action::Insert,
                Action::Omit(FindingCode::GuidTaken),
                Action::Insert,
                Action::Insert,
                Action::Omit(FindingCode::GuidTaken),
                Action::Insert,
                Action::Insert,
            ]
        );
        assert_eq!(
            plan.intents,
            [
                Intent::write("posts", &guid(1)),
                Intent::adopt("photos", &guid(12), Some(2)),
                Intent::write("photos", &guid(13)),
                Intent::write("posts", &guid(2)),
            ]
        );
        assert_eq!(plan.rows.adopted_photos, [12]);
        let messages: Vec<&StatusMessage> = plan.rows.new.iter().filter_map(status_message).collect();
        assert_eq!((messages[0].photos.len(), messages[0].poll.is_some()), (1, false));
        assert!(messages[1].poll.is_some());
    }

    #[test]
    fn the_old_persons_posts_are_adopted_with_their_photos() {
        let fixture = Fixture::new();
        let existing = ExistingPosts {
            rows: [row(1, 2), row(2, 3)].into(),
            old_photos: [(1, vec![guid(11).to_string()])].into(),
            ..ExistingPosts::default()
        };
        let plan = plan_of(&fixture, existing, vec![post(1, &[11], &[]), post(2, &[12], &[])]);
        assert_eq!(
            actions(&plan),
            [
                Action::Adopt(ExistingRow { id: 1, author: 2 }),
                Action::Present(None),
                Action::Note(FindingCode::FileMissing),
                Action::Omit(FindingCode::GuidTaken),
            ]
        );
        assert_eq!(
            plan.intents,
            [Intent::adopt("posts", &guid(1), Some(2)), Intent::adopt("photos", &guid(11), Some(2))]
        );
        assert!(plan.rows.new.is_empty() && plan.rows.adopted.len() == 1);
    }

    #[test]
    fn posts_of_earlier_runs_are_counted_as_then_and_deleted_ones_stay_out_with_their_parts() {
        let fixture = Fixture::new();
        let noted = |number: i64, noted| (guid(number).to_string(), noted);
        let mut existing = ExistingPosts {
            rows: [row(1, 1), row(2, 1)].into(),
            noted: [noted(1, written()), noted(2, found()), noted(3, deleted())].into(),
            ..ExistingPosts::default()
        };
        existing.photos.rows = [row(11, 1)].into();
        existing.photos.guids_with_file = [guid(11).to_string()].into();
        existing.photos.noted = [noted(12, written()), noted(13, found())].into();
        let list = vec![post(1, &[11, 12, 14], &[31, 32]), post(2, &[13], &[]), post(3, &[15], &[33, 34])];
        let plan = plan_of(&fixture, existing, list);
        let part = Noted { is_earlier: false, ..written() };
        let [deleted, taken] = [FindingCode::DeletedSince, FindingCode::GuidTaken].map(Action::Omit);
        assert_eq!(
            actions(&plan),
            [
                Action::Present(Some(written())),
                Action::Present(Some(part)),
                deleted,
                taken,
                taken,
                Action::Present(Some(found())),
                deleted,
                deleted,
                deleted,
                deleted,
            ]
        );
        assert!(plan.intents.is_empty() && plan.rows.new.is_empty());
    }
}
