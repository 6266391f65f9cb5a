//! What people sign in with is copied for the time after the pod: complete, encrypted, and found by name only with the
//! key.

use crate::support::{Pod, TIME};
use pappus_engine::campaign::{SecretText, SignInCopied, SignInData, SignInError};
use pappus_engine::depot::CampaignKeys;
use pappus_engine::pod::config::PodUrl;
use pappus_engine::pod::database::Snapshot;
use pappus_engine::sql::DatabaseUrl;
use pappus_engine::store::{StateFolder, Store};
use pappus_tests::cluster::{shared_mariadb, shared_postgres};
use pappus_tests::sample::{OTP_SECRET, PASSWORD, PEPPER, POD_URL};
use tempfile::TempDir;

struct Scene {
    pod: Pod,
    state: TempDir,
    store: Store,
    keys: CampaignKeys,
    data: SignInData,
}

impl Scene {
    async fn new(pod: Pod, store: Option<&str>) -> Self {
        let url = PodUrl::parse(POD_URL).unwrap();
        let state = tempfile::tempdir().unwrap();
        let folder = StateFolder::open(state.path(), &url).unwrap();
        let database = store.map_or_else(|| folder.database(), DatabaseUrl::parse).unwrap();
        let store = Store::open(&database).await.unwrap();
        let keys = CampaignKeys::new(&folder, &store, &url);
        let data = SignInData::new(&keys, &store, &url);
        Self { pod, state, store, keys, data }
    }

    async fn copy(&self) -> SignInCopied {
        let mut snapshot = Snapshot::open(&DatabaseUrl::parse(&self.pod.database).unwrap()).await.unwrap();
        self.data.copy(&mut snapshot, TIME.parse().unwrap()).await.unwrap()
    }

    async fn people(&self) -> u64 {
        let users = "SELECT COUNT(*) FROM users WHERE username IS NOT NULL AND username <> ''";
        self.pod.pool.number(users).await.unwrap().try_into().unwrap()
    }
}

async fn everybody_is_found(scene: &Scene) {
    let people = scene.people().await;
    assert!(people > 10);
    assert_eq!(scene.copy().await, SignInCopied { people, written: people });
    assert_eq!(scene.copy().await, SignInCopied { people, written: 0 });

    let greta = scene.data.find("greta").await.unwrap().unwrap();
    assert_eq!((greta.username.as_str(), greta.email.as_str()), ("greta", "greta@mail.example"));
    assert_eq!(greta.account, "greta@closing.example");
    let fits =
        |hash: &SecretText, text: &str| bcrypt::verify(format!("{text}{PEPPER}"), hash.expose()).unwrap();
    assert!(fits(&greta.password_hash, PASSWORD) && !fits(&greta.password_hash, "another"));
    assert!(!greta.closed && !greta.locked && greta.second_factor.is_none());
    for name in [" Greta ", "GRETA@mail.example", "greta@closing.example"] {
        assert_eq!(scene.data.find(name).await.unwrap().as_ref(), Some(&greta), "{name}");
    }
    for nobody in ["", "gret", "greta@other.example", "greta@", "%", "greta\0"] {
        assert_eq!(scene.data.find(nobody).await.unwrap(), None, "{nobody}");
    }
    assert!(greta.admin);

    let jonas = scene.data.find("jonas").await.unwrap().unwrap();
    let second = jonas.second_factor.as_ref().unwrap();
    assert!(second.required && !jonas.admin);
    assert_eq!(second.secret.as_ref().unwrap().expose(), OTP_SECRET);
    assert_eq!((second.used_until, second.backup_codes.len()), (Some(50_000_000), 10));
    assert!(second.backup_codes.iter().all(|code| code.expose().starts_with("$2a$04$")));
    let shown = format!("{jonas:?}");
    assert!(!shown.contains(OTP_SECRET) && !shown.contains("$2a$"), "{shown}");
}

/// Nothing of anybody can be read in the store, and names cannot be tried out.
async fn nothing_shows(scene: &Scene) {
    let sql =
        "SELECT user_id, username_hash, email_hash, content_hash, recipient, sealed FROM pappus_sign_in";
    let rows = scene.store.rows("looking", sql, &[]).await.unwrap();
    assert_eq!(rows.len() as u64, scene.people().await);
    for row in rows {
        let texts = ["username_hash", "email_hash", "content_hash", "recipient"];
        let mut all = texts.map(|column| row.get::<String>(column).unwrap()).concat().into_bytes();
        all.extend(row.get::<Vec<u8>>("sealed").unwrap());
        let text = String::from_utf8_lossy(&all);
        for word in ["jonas", "greta", "mail.example", "$2a$", OTP_SECRET] {
            assert!(!text.contains(word), "{word}");
        }
    }
}

async fn changes_are_followed(scene: &Scene) {
    let people = scene.people().await;
    scene
        .pod
        .pool
        .execute("UPDATE users SET email = 'new@mail.example' WHERE username = 'greta'")
        .await
        .unwrap();
    assert_eq!(scene.copy().await, SignInCopied { people, written: 1 });
    assert_eq!(scene.data.find("greta@mail.example").await.unwrap(), None);
    assert_eq!(scene.data.find("new@mail.example").await.unwrap().unwrap().username, "greta");
    let closed = "UPDATE people SET closed_account = (1 = 1) WHERE owner_id = (SELECT id FROM users WHERE username = 'ida')";
    scene.pod.pool.execute(closed).await.unwrap();
    scene.pod.pool.execute("UPDATE users SET locked_at = created_at WHERE username = 'ida'").await.unwrap();
    assert_eq!(scene.copy().await.written, 1);
    let ida = scene.data.find("ida").await.unwrap().unwrap();
    assert!(ida.closed && ida.locked);

    // With a new key everything is sealed anew; what was sealed with the old one was found meanwhile.
    scene.keys.rotate(TIME.parse().unwrap()).await.unwrap();
    assert!(scene.data.find("greta").await.unwrap().is_some());
    assert_eq!(scene.copy().await, SignInCopied { people, written: people });
    assert!(scene.data.find("jonas").await.unwrap().is_some());
}

async fn only_with_the_key(scene: &Scene) {
    let file = scene.keys.identity_file();
    let aside = scene.state.path().join("aside");
    std::fs::rename(&file, &aside).unwrap();
    assert_eq!(scene.data.find("greta").await.unwrap(), None);
    let mut snapshot = Snapshot::open(&DatabaseUrl::parse(&scene.pod.database).unwrap()).await.unwrap();
    let error = scene.data.copy(&mut snapshot, TIME.parse().unwrap()).await.unwrap_err();
    assert!(matches!(error, SignInError::KeyElsewhere(_)), "{error}");
    std::fs::rename(&aside, &file).unwrap();
    assert!(scene.data.find("greta").await.unwrap().is_some());
    let people = scene.people().await;
    assert_eq!(scene.data.forget().await.unwrap(), people);
    assert_eq!(scene.data.find("greta").await.unwrap(), None);
}

async fn all(scene: Scene) {
    everybody_is_found(&scene).await;
    nothing_shows(&scene).await;
    changes_are_followed(&scene).await;
    only_with_the_key(&scene).await;
}

#[tokio::test]
async fn from_a_file_into_a_file() {
    all(Scene::new(Pod::sqlite().await, None).await).await;
}

#[tokio::test]
async fn from_postgresql_into_postgresql() {
    let server = shared_postgres().await.unwrap();
    let (pod, store) = (
        server.create_database("sign_in_pod").await.unwrap(),
        server.create_database("sign_in_store").await.unwrap(),
    );
    all(Scene::new(Pod::on(tempfile::tempdir().unwrap(), pod).await, Some(&store)).await).await;
}

#[tokio::test]
async fn from_mariadb() {
    let pod = shared_mariadb().await.unwrap().create_database("sign_in_pod").await.unwrap();
    all(Scene::new(Pod::on(tempfile::tempdir().unwrap(), pod).await, None).await).await;
}

#[tokio::test]
async fn of_older_pods() {
    let pod = shared_postgres().await.unwrap().create_database("sign_in_old").await.unwrap();
    let scene = Scene::new(Pod::on(tempfile::tempdir().unwrap(), pod).await, None).await;
    let pool = &scene.pod.pool;
    // When secrets were encrypted with a key of the pod's configuration.
    pool.execute("ALTER TABLE users ADD COLUMN encrypted_otp_secret VARCHAR").await.unwrap();
    pool.execute("UPDATE users SET encrypted_otp_secret = plain_otp_secret").await.unwrap();
    pool.execute("ALTER TABLE users DROP COLUMN plain_otp_secret").await.unwrap();
    scene.copy().await;
    let second = scene.data.find("jonas").await.unwrap().unwrap().second_factor.unwrap();
    assert!(second.required && second.secret.is_none() && second.backup_codes.len() == 10);
    // Before there were any codes.
    for column in ["encrypted_otp_secret", "otp_required_for_login", "otp_backup_codes", "consumed_timestep"]
    {
        pool.execute(&format!("ALTER TABLE users DROP COLUMN {column}")).await.unwrap();
    }
    assert_eq!(scene.copy().await.written, 1);
    assert_eq!(scene.data.find("jonas").await.unwrap().unwrap().second_factor, None);
}
