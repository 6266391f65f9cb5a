//! Codes for the second factor, each valid once: time-based codes (RFC 6238), and recovery codes.

use pappus_engine::campaign::{SecondFactor, SecretText};
use pappus_engine::store::StoreError;
use totp_rs::{Builder, Secret};

use crate::app::App;
use crate::error::WebError;

/// Length of a time step, in seconds.
const STEP_SECONDS: u64 = 30;
/// Allowed clock drift in steps, as on the pod.
const MAX_SKEW_STEPS: u16 = 1;
/// Number of digits of a code; recovery codes have sixteen characters.
const CODE_DIGITS: usize = 6;

/// Returns whether a code is valid, and marks it as used.
pub(super) async fn accept(
    app: &App,
    user_id: i64,
    factor: &SecondFactor,
    code: &str,
) -> Result<bool, WebError> {
    let code: String = code.chars().filter(|character| !character.is_whitespace()).collect();
    if code.len() == CODE_DIGITS && code.bytes().all(|byte| byte.is_ascii_digit()) {
        let now = u64::try_from(app.now().timestamp()).unwrap_or_default();
        let Some(step) = factor.secret.as_ref().and_then(|secret| matching_step(secret, &code, now)) else {
            return Ok(false);
        };
        // It was used on the pod or here.
        if factor.used_until.is_some_and(|used| step <= used) {
            return Ok(false);
        }
        return use_step(app, user_id, step).await.map_err(WebError::from);
    }
    for hash in &factor.backup_codes {
        if app.sign_in.passwords().verify(&code, Some(hash)).await? {
            return use_code(app, user_id, hash).await.map_err(WebError::from);
        }
    }
    Ok(false)
}

/// Returns the time step of a code that is valid now.
fn matching_step(secret: &SecretText, code: &str, now: u64) -> Option<i64> {
    // The pod's secrets may be shorter than the standard recommends.
    let secret = Secret::try_from_base32(secret.expose()).ok()?;
    let totp = Builder::new()
        .with_secret(secret)
        .with_skew(MAX_SKEW_STEPS)
        .with_step_duration(STEP_SECONDS)
        .build_noncompliant();
    totp.check(code, now).and_then(|step| i64::try_from(step).ok())
}

/// Records a step and those before it as used; of two concurrent uses one succeeds.
async fn use_step(app: &App, user_id: i64, step: i64) -> Result<bool, StoreError> {
    let sql = "INSERT INTO pappus_used_steps (pod, user_id, step) VALUES (?, ?, ?) \
               ON CONFLICT (pod, user_id) DO UPDATE SET step = excluded.step \
               WHERE pappus_used_steps.step < excluded.step";
    let values = [app.config.pod_url.as_str().into(), user_id.into(), step.into()];
    Ok(app.store.execute("using a code", sql, &values).await? == 1)
}

async fn use_code(app: &App, user_id: i64, hash: &SecretText) -> Result<bool, StoreError> {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, hash.expose().as_bytes());
    let sql = "INSERT INTO pappus_used_codes (pod, user_id, code, used_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING";
    let values = [
        app.config.pod_url.as_str().into(),
        user_id.into(),
        hex::encode(digest.as_ref()).into(),
        app.now_millis().into(),
    ];
    Ok(app.store.execute("using a code", sql, &values).await? == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_match_the_standard() {
        // RFC 6238, appendix B: the last six of the eight digits.
        let secret = SecretText::new("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".to_owned());
        for (time, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            let step = i64::try_from(time / 30).unwrap();
            assert_eq!(matching_step(&secret, code, time), Some(step));
            assert_eq!(matching_step(&secret, code, time + 30), Some(step));
            assert_eq!(matching_step(&secret, code, time + 90), None);
            assert_eq!(matching_step(&secret, "000000", time), None);
        }
        assert_eq!(matching_step(&SecretText::new("not base32!".to_owned()), "287082", 59), None);
    }
}
