-- SHA-256 of the profile that the target pod had at the last look, and of the one that a message contains: one that
-- contains another profile is sealed anew before it is sent. Null is unknown, as in earlier moves and messages.
ALTER TABLE pappus_moves ADD COLUMN profile_digest TEXT;
ALTER TABLE pappus_deliveries ADD COLUMN profile_digest TEXT;
-- Public key (PEM) of a recipient whom the target pod does not know: only the archive had it.
ALTER TABLE pappus_deliveries ADD COLUMN recipient_key TEXT;
