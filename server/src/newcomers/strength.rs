//! Weak passwords.

use zxcvbn::{Score, zxcvbn};

/// Returns whether a password can be guessed within a million attempts: common ones, names, dates, rows of keys, and
/// those derived from `user_inputs`, facts that others know about the person.
pub(super) fn is_weak(password: &str, user_inputs: &[&str]) -> bool {
    zxcvbn(password, user_inputs).score() < Score::Two
}

#[cfg(test)]
mod tests {
    use super::is_weak;

    #[test]
    fn common_passwords_are_weak() {
        let user_inputs = ["ida", "ida@mail.example", "haven.example"];
        for weak in
            ["password", "passwort", "123456", "qwertz123", "letmein", "iloveyou", "Password1", "ida123"]
        {
            assert!(is_weak(weak, &user_inputs), "{weak}");
        }
        for strong in ["a new password", "correct horse battery staple", "Vk3!zpq81", "Pusteblume im Wind"] {
            assert!(!is_weak(strong, &user_inputs), "{strong}");
        }
    }
}
