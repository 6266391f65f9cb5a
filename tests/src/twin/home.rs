//! The target pod as others see it: it answers for its people, and takes their Contacts.

use pappus_engine::domain::{PublicKey, Timestamp};
use pappus_engine::pod::database::{DatabaseError, OnConflict, PodWriter};
use pappus_engine::sql::{DatabaseUrl, Row};

use super::lookup::{hcard, web_finger};
use super::pod::{Echo, Identity};
use crate::sample::PAIRS_2048;

/// See the module.
#[derive(Debug, Clone)]
pub struct Home {
    database: DatabaseUrl,
    /// `http://HOST/`, or https.
    url: String,
}

impl Home {
    /// The pod with this database, at this address (which ends in `/`).
    pub fn new(database: DatabaseUrl, url: &str) -> Self {
        Self { database, url: url.to_owned() }
    }

    /// WebFinger and hCard of open accounts, as diaspora* answers.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn get(&self, path: &str, query: &str) -> Result<(u16, String), DatabaseError> {
        let not_found = (404, String::new());
        let mut pod = PodWriter::open_read_only(&self.database).await?;
        let sql = "SELECT guid, serialized_public_key, diaspora_handle FROM people WHERE owner_id IS NOT NULL \
                   AND NOT closed_account";
        let people = pod.rows("people", sql.to_owned(), &[]).await?;
        let found = |column: &'static str, value: &str| {
            people.iter().find(|row| row.text(column).as_deref() == Some(value))
        };
        if path == "/.well-known/webfinger" {
            let id = query.strip_prefix("resource=acct:").unwrap_or_default();
            let Some(guid) = found("diaspora_handle", id).and_then(|row| row.text("guid")) else {
                return Ok(not_found);
            };
            return Ok((200, web_finger(id, &guid, &self.url)));
        }
        let guid = path.strip_prefix("/hcard/users/").unwrap_or_default();
        let Some(key) = found("guid", guid).and_then(|row| row.text("serialized_public_key")) else {
            return Ok(not_found);
        };
        Ok((200, hcard(guid, &key)))
    }

    /// Open accounts by diaspora* ID, as whoever looks them up finds them.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn identities(&self) -> Result<Vec<(String, Identity)>, DatabaseError> {
        let mut pod = PodWriter::open_read_only(&self.database).await?;
        let sql = "SELECT guid, serialized_public_key, diaspora_handle FROM people WHERE owner_id IS NOT NULL \
                   AND NOT closed_account";
        let rows = pod.rows("people", sql.to_owned(), &[]).await?;
        let identity = |row: &Row| {
            // The key comes last: before that nobody finds anything.
            let key = PublicKey::from_pem(&row.text("serialized_public_key")?).ok()?;
            Some((row.text("diaspora_handle")?, Identity { guid: row.text("guid")?, key }))
        };
        Ok(rows.iter().filter_map(identity).collect())
    }

    /// Takes Contacts as `Contact.create_or_update_sharing_contact` and `User#disconnected_by` do.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn take(&self, echoes: &[Echo], now: Timestamp) -> Result<(), DatabaseError> {
        if echoes.is_empty() {
            return Ok(());
        }
        let mut pod = PodWriter::open(&self.database).await?;
        for echo in echoes {
            let sql = "SELECT c.id, c.sharing, c.receiving FROM contacts c JOIN people f ON f.id = c.person_id \
                       JOIN people m ON m.owner_id = c.user_id WHERE f.diaspora_handle = ? AND m.diaspora_handle = ?";
            let names = [echo.author.as_str().into(), echo.recipient.as_str().into()];
            let rows = pod.rows("a contact", sql.to_owned(), &names).await?;
            let Some(row) = rows.first() else {
                if echo.sharing {
                    new_contact(&mut pod, echo, now).await?;
                }
                continue;
            };
            let (Some(id), Some(shares)) = (row.integer("id"), row.boolean("sharing")) else { continue };
            if shares == echo.sharing {
                continue;
            }
            let sql = if echo.sharing || row.boolean("receiving") == Some(true) {
                format!("UPDATE contacts SET sharing = ?, updated_at = ? WHERE id = {id}")
            } else {
                format!("DELETE FROM contacts WHERE id = {id}")
            };
            let values: &[_] =
                if sql.starts_with("UPDATE") { &[echo.sharing.into(), now.into()] } else { &[] };
            pod.run("contacts", sql, values).await?;
        }
        Ok(())
    }
}

async fn new_contact(pod: &mut PodWriter, echo: &Echo, now: Timestamp) -> Result<(), DatabaseError> {
    let sql = "SELECT owner_id FROM people WHERE diaspora_handle = ?";
    let rows = pod.rows("people", sql.to_owned(), &[echo.recipient.as_str().into()]).await?;
    let Some(user) = rows.first().and_then(|row| row.integer("owner_id")) else { return Ok(()) };
    if person(pod, &echo.author).await?.is_none() {
        meet(pod, echo, now).await?;
    }
    let Some(author) = person(pod, &echo.author).await? else { return Ok(()) };
    let row = vec![user.into(), author.into(), true.into(), false.into(), now.into(), now.into()];
    let columns = ["user_id", "person_id", "sharing", "receiving", "created_at", "updated_at"];
    pod.insert("contacts", &columns, vec![row], OnConflict::Ignore).await.map(drop)
}

async fn person(pod: &mut PodWriter, id: &str) -> Result<Option<i64>, DatabaseError> {
    let sql = "SELECT id FROM people WHERE diaspora_handle = ?";
    let rows = pod.rows("people", sql.to_owned(), &[id.into()]).await?;
    Ok(rows.first().and_then(|row| row.integer("id")))
}

/// Whoever is unknown is looked up before their message is processed.
async fn meet(pod: &mut PodWriter, echo: &Echo, now: Timestamp) -> Result<(), DatabaseError> {
    let columns = ["guid", "diaspora_handle", "serialized_public_key", "created_at", "updated_at"];
    let row = vec![
        echo.guid.as_str().into(),
        echo.author.as_str().into(),
        PAIRS_2048[1].public.into(),
        now.into(),
        now.into(),
    ];
    pod.insert("people", &columns, vec![row], OnConflict::Ignore).await?;
    let Some(met) = person(pod, &echo.author).await? else { return Ok(()) };
    let row = vec![met.into(), "Friend".into(), now.into(), now.into()];
    let columns = ["person_id", "first_name", "created_at", "updated_at"];
    pod.insert("profiles", &columns, vec![row], OnConflict::Ignore).await.map(drop)
}
