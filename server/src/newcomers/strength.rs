//! Weak passwords.

use zxcvbn::{Score, zxcvbn};

/// Returns whether a password can be guessed within a million attempts: common ones, names, dates, rows of keys, and
/// those derived from `about`, facts that others know of the person.
pub(super) fn is_weak(password: &str, about: &[&str]) -> bool {
    zxcvbn(password, about).score() < Score::Two
}

#[cfg(test)]
mod tests {
    use super::is_weak;

    #[test]
    fn common_passwords_are_easy() {
        let about = ["ida", "ida@mail.example", "haven.example"];
        for easy in
            ["password", "passwort", "123456", "qwertz123", "letmein", "iloveyou", "Password1", "ida123"]
        {
            assert!(is_weak(easy, &about), "{easy}");
        }
        for good in ["a new password", "correct horse battery staple", "Vk3!zpq81", "Pusteblume im Wind"] {
            assert!(!is_weak(good, &about), "{good}");
        }
    }
}
