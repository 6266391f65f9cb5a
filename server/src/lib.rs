//! The web service: empty until its issue.
