//! Killed with SIGKILL at random points of import and announcement, and started again each time, a move ends as if
//! nobody had disturbed it: the same rows in every table of the pod and of Pappus's own store, the same files,
//! nothing doubled, nothing lost.
//!
//! `PAPPUS_TEST_SEED` repeats a run as far as that is possible: where exactly a program is killed is the
//! scheduler's word, too.

mod end_state;
mod envelopes;
mod names;
mod rows;
mod scene;
mod victim;
mod wire;

use crate::support::setting;
use std::sync::Arc;
use std::time::{Duration, Instant};

use end_state::{DIFFERS, Lines, difference, end_state};
use scene::{Place, Scene, Step};
use victim::{End, Victim};
use wire::{At, Point, Wire};

const STEPS: [Step; 2] = [Step::Import, Step::Announce];
/// How often each of them is killed in one round; after that it may end.
const MOST: [u64; 2] = [8, 3];

/// Numbers that are random enough for a test (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn new() -> Self {
        use std::hash::{BuildHasher as _, Hasher as _};
        let seed = setting("PAPPUS_TEST_SEED", std::hash::RandomState::new().build_hasher().finish());
        println!("PAPPUS_TEST_SEED={seed}");
        Self(seed)
    }

    /// From nothing up to less than this.
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit.max(1)
    }

    /// One of so many ends of transactions, just after the database has heard it, for what comes next is what
    /// the other database must know; or any message, before the database hears it or some moments after.
    fn point(&mut self, (messages, commits): (usize, usize)) -> Point {
        let number = |limit: u64| 1 + usize::try_from(limit).unwrap();
        if self.below(4) > 0 {
            let at = At::Commit(number(self.below(commits as u64)));
            return Point { at, after: Some(Duration::from_micros(self.below(1500))) };
        }
        let at = At::Message(number(self.below(messages as u64)));
        Point { at, after: (self.below(3) > 0).then(|| Duration::from_micros(self.below(8000))) }
    }

    /// A moment of a time.
    fn moment(&mut self, time: Duration) -> Duration {
        Duration::from_micros(self.below(u64::try_from(time.as_micros()).unwrap()))
    }
}

fn add_account(command: &mut std::process::Command, scene: &Scene, step: Step) {
    if step != Step::Announce {
        command.args(["--as", "ida"]);
    }
    command.arg(&scene.archive);
}

/// The step on a wire of its own, killed at the point if it gets there. Gives how much it has said.
async fn on_the_wire(
    scene: &Scene,
    place: &Place,
    step: Step,
    attempt: u64,
    point: Option<Point>,
) -> (End, (usize, usize)) {
    let victim = Arc::new(Victim::new(place.folder.path().join("output")));
    let wire = Wire::new(scene.port().unwrap(), Arc::clone(&victim), point).await;
    let mut command = scene.command(place, step, Some(wire.port), attempt);
    add_account(&mut command, scene, step);
    victim.start(command);
    (victim.end().await, wire.count.both())
}

/// The step, killed after so long if it takes that long.
async fn for_a_while(scene: &Scene, place: &Place, step: Step, attempt: u64, time: Option<Duration>) -> End {
    let victim = Victim::new(place.folder.path().join("output"));
    let mut command = scene.command(place, step, None, attempt);
    add_account(&mut command, scene, step);
    victim.start(command);
    let killing = async {
        tokio::time::sleep(time.unwrap_or(Duration::MAX)).await;
        victim.kill();
    };
    tokio::select! {
        end = victim.end() => end,
        () = killing => victim.end().await,
    }
}

/// Whether it was killed; what ends by itself ends well.
fn was_killed(end: End, step: Step) -> bool {
    match end {
        End::Killed => true,
        End::Itself { code: Some(0 | 10), .. } => false,
        End::Itself { code, stdout, stderr } => panic!("{step:?} ended with {code:?}: {stderr}{stdout}"),
    }
}

fn must_be_the_same(expected: &Lines, found: &Lines, round: &str) {
    let different = difference(expected, found);
    let reasons: Vec<_> =
        DIFFERS.iter().map(|(table, column, why)| format!("  {table}.{column}: {why}")).collect();
    assert!(
        different.is_empty(),
        "{round}: {} lines differ:\n{}\nLeft out of the comparison is only:\n{}",
        different.len(),
        different.join("\n"),
        reasons.join("\n")
    );
}

/// Enough happens in the undisturbed run that the comparison means something.
fn is_rich(lines: &Lines) {
    for table in [
        "aspect_memberships",
        "comment_signatures",
        "conversation_visibilities",
        "likes",
        "mentions",
        "photos",
        "poll_participations",
        "share_visibilities",
        "taggings",
        "account_migrations",
        "pappus_deliveries",
        "the import of ida@closing.example: comment_signatures",
        "the import of ida@closing.example: comments",
        "the import of ida@closing.example: photo_addresses",
        "the import of ida@closing.example: posts",
        "file",
    ] {
        assert!(lines.keys().any(|line| line.starts_with(table)), "no {table} at all");
    }
    let adopted = lines.keys().filter(|line| line.contains("before of Some"));
    assert!(adopted.count() >= 3, "nothing has changed hands");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_many_points_on_postgresql() {
    let scene = Scene::on_postgres().await;
    let undisturbed = scene.copy().await;
    let mut messages = [(0, 0); 2];
    for (step, messages) in STEPS.into_iter().zip(&mut messages) {
        let (end, said) = on_the_wire(&scene, &undisturbed, step, 0, None).await;
        assert!(!was_killed(end, step));
        *messages = said;
    }
    let expected = end_state(&undisturbed).await;
    is_rich(&expected);
    println!("{messages:?} messages to the database, of them commits; {} lines to compare", expected.len());
    let mut dice = Dice::new();
    let (mut kills, mut rounds) = ([0, 0], 0);
    let wanted = setting("PAPPUS_TEST_KILLS", 20);
    while kills[0] < wanted / 2 || kills[1] < wanted / 4 || kills[0] + kills[1] < wanted {
        let place = scene.copy().await;
        let mut points = Vec::new();
        for (number, step) in STEPS.into_iter().enumerate() {
            for attempt in 0.. {
                // Who goes on has less to say.
                let (all, ends) = messages[number];
                let range = if attempt == 0 { (all, ends) } else { (all * 2 / 3, ends * 2 / 3) };
                let point = (attempt < MOST[number]).then(|| dice.point(range));
                let (end, _) = on_the_wire(&scene, &place, step, 1 + attempt, point).await;
                if !was_killed(end, step) {
                    break;
                }
                kills[number] += 1;
                points.push((step, point));
            }
        }
        rounds += 1;
        must_be_the_same(&expected, &end_state(&place).await, &format!("killed at {points:?}"));
    }
    println!("{kills:?} kills in {rounds} rounds");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_some_moments_on_sqlite() {
    let scene = Scene::on_sqlite().await;
    let undisturbed = scene.copy().await;
    let mut times = [Duration::ZERO; 2];
    for (step, time) in STEPS.into_iter().zip(&mut times) {
        let started = Instant::now();
        assert!(!was_killed(for_a_while(&scene, &undisturbed, step, 0, None).await, step));
        *time = started.elapsed();
    }
    let expected = end_state(&undisturbed).await;
    is_rich(&expected);
    let mut dice = Dice::new();
    let (mut kills, mut rounds) = ([0, 0], 0);
    while kills[0] < 8 || kills[1] < 4 {
        let place = scene.copy().await;
        let mut moments = Vec::new();
        for (number, step) in STEPS.into_iter().enumerate() {
            for attempt in 0.. {
                let moment = (attempt < MOST[number]).then(|| dice.moment(times[number]));
                if !was_killed(for_a_while(&scene, &place, step, 1 + attempt, moment).await, step) {
                    break;
                }
                kills[number] += 1;
                moments.push((step, moment));
            }
        }
        rounds += 1;
        must_be_the_same(&expected, &end_state(&place).await, &format!("killed after {moments:?}"));
    }
    println!("{kills:?} kills in {rounds} rounds; undisturbed it takes {times:?}");
}

/// The announcement follows the import by itself: it ends where the two steps end, also when it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_one_step_as_in_two() {
    let scene = Scene::on_sqlite().await;
    let two = scene.copy().await;
    for step in STEPS {
        assert!(!was_killed(for_a_while(&scene, &two, step, 0, None).await, step));
    }
    let expected = end_state(&two).await;
    is_rich(&expected);
    let one = scene.copy().await;
    let started = Instant::now();
    assert!(!was_killed(for_a_while(&scene, &one, Step::Move, 0, None).await, Step::Move));
    let time = started.elapsed();
    must_be_the_same(&expected, &end_state(&one).await, "undisturbed");

    let (mut dice, mut kills) = (Dice::new(), 0);
    while kills < 8 {
        let place = scene.copy().await;
        let mut moments = Vec::new();
        for attempt in 0.. {
            let moment = (attempt < 4).then(|| dice.moment(time));
            if !was_killed(for_a_while(&scene, &place, Step::Move, 1 + attempt, moment).await, Step::Move) {
                break;
            }
            kills += 1;
            moments.push(moment);
        }
        must_be_the_same(&expected, &end_state(&place).await, &format!("killed after {moments:?}"));
    }
}
