-- What a token was made with: a keyed digest of password hash and second factor. Tokens of earlier versions have none, and
-- are good for nothing any more: who made them makes new ones.
ALTER TABLE pappus_api_tokens ADD COLUMN stamp TEXT NOT NULL DEFAULT '';
