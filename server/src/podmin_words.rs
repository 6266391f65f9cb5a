//! The podmin's message to people who leave and people who arrive: a note, and recommended pods.

use pappus_engine::store::StoreError;
use url::Url;

use crate::app::App;

/// Maximum length of the note, in characters.
const MAX_NOTE_CHARS: usize = 4_000;
/// Maximum number of pods, and maximum length of a line in characters.
const MAX_PODS: usize = 30;
const MAX_LINE_CHARS: usize = 300;

/// A pod that the podmin recommends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecommendedPod {
    /// Its URL.
    pub url: String,
    /// Its host, for display.
    pub host: String,
    /// The podmin's description; may be empty.
    pub about: String,
}

/// The podmin's message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodminMessage {
    /// The note; may be empty.
    pub note: String,
    /// The pods.
    pub pods: Vec<RecommendedPod>,
    /// The pods as typed, one per line.
    pub lines: String,
}

/// A problem with the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageProblem {
    /// The note is too long.
    Note,
    /// There are too many pods.
    ManyPods,
    /// A line does not name a pod.
    Pod(String),
}

impl PodminMessage {
    /// Returns the message for this pod.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn of(app: &App) -> Result<Self, StoreError> {
        let sql = "SELECT note, pods FROM pappus_podmin_words WHERE pod = ?";
        let pod = app.config.pod_url.as_str();
        let Some(row) = app.store.first("reading the podmin's message", sql, &[pod.into()]).await? else {
            return Ok(Self::default());
        };
        // Validated when it was stored.
        Ok(Self::parse(&row.get::<String>("note")?, &row.get::<String>("pods")?).unwrap_or_default())
    }

    /// Parses a note, and one pod per line: first its host or URL, then a description.
    ///
    /// # Errors
    /// [`MessageProblem`].
    pub fn parse(note: &str, lines: &str) -> Result<Self, MessageProblem> {
        let note = note.replace("\r\n", "\n").trim().to_owned();
        if note.chars().count() > MAX_NOTE_CHARS || note.contains('\0') {
            return Err(MessageProblem::Note);
        }
        let pod_lines: Vec<&str> = lines.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        if pod_lines.len() > MAX_PODS {
            return Err(MessageProblem::ManyPods);
        }
        let pods =
            pod_lines.iter().map(|line| pod(line).ok_or_else(|| MessageProblem::Pod((*line).to_owned())));
        Ok(Self { note, pods: pods.collect::<Result<_, _>>()?, lines: pod_lines.join("\n") })
    }

    /// Returns whether the message is empty.
    pub fn is_empty(&self) -> bool {
        self.note.is_empty() && self.pods.is_empty()
    }

    /// Saves the message.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn save(&self, app: &App) -> Result<(), StoreError> {
        let sql = "INSERT INTO pappus_podmin_words (pod, note, pods) VALUES (?, ?, ?) \
                   ON CONFLICT (pod) DO UPDATE SET note = excluded.note, pods = excluded.pods";
        let values = [app.config.pod_url.as_str().into(), (&self.note).into(), (&self.lines).into()];
        app.store.execute("saving the podmin's message", sql, &values).await.map(drop)
    }
}

fn pod(line: &str) -> Option<RecommendedPod> {
    if line.chars().count() > MAX_LINE_CHARS || line.contains(char::is_control) {
        return None;
    }
    let (host_or_url, about) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let url =
        if host_or_url.contains("://") { host_or_url.to_owned() } else { format!("https://{host_or_url}/") };
    let url = Url::parse(&url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let host = url.host_str().filter(|host| host.contains('.'))?;
    let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let about = about.trim().trim_start_matches(['-', '–', ':']).trim().to_owned();
    (url.username().is_empty() && url.password().is_none()).then(|| RecommendedPod {
        url: url.to_string(),
        host,
        about,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_are_hosts_or_urls_with_descriptions() {
        let lines = "pod.example\r\n https://other.example/register  friendly, German \n\nthird.example: new";
        let message = PodminMessage::parse(" Hello\r\nall ", lines).unwrap();
        let pods: Vec<_> = message.pods.iter().map(|pod| (pod.url.as_str(), pod.about.as_str())).collect();
        assert_eq!(message.note, "Hello\nall");
        let expected = [("https://pod.example/", ""), ("https://other.example/register", "friendly, German")];
        assert_eq!(pods[..2], expected);
        assert_eq!(PodminMessage::parse("", &message.lines).unwrap().pods, message.pods);
        for invalid in
            ["javascript:alert(1)", "ftp://pod.example/", "pod", "https://me:secret@pod.example/", "<b>"]
        {
            assert_eq!(
                PodminMessage::parse("", invalid),
                Err(MessageProblem::Pod(invalid.to_owned())),
                "{invalid}"
            );
        }
        assert_eq!(PodminMessage::parse(&"x".repeat(4001), ""), Err(MessageProblem::Note));
        assert_eq!(PodminMessage::parse("", &"pod.example\n".repeat(31)), Err(MessageProblem::ManyPods));
    }
}
