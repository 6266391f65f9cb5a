//! Passwords that anybody would guess.

use zxcvbn::{Score, zxcvbn};

/// Returns true for a password that is found within a million tries: a common one, a name or a date, a row of keys, or made
/// of `about`, what others know of the person.
pub(super) fn is_easy(password: &str, about: &[&str]) -> bool {
    zxcvbn(password, about).score() < Score::Two
}

#[cfg(test)]
mod tests {
    use super::is_easy;

    #[test]
    fn common_passwords_are_easy() {
        let about = ["ida", "ida@mail.example", "haven.example"];
        for easy in
            ["password", "passwort", "123456", "qwertz123", "letmein", "iloveyou", "Password1", "ida123"]
        {
            assert!(is_easy(easy, &about), "{easy}");
        }
        for good in ["a new password", "correct horse battery staple", "Vk3!zpq81", "Pusteblume im Wind"] {
            assert!(!is_easy(good, &about), "{good}");
        }
    }
}
