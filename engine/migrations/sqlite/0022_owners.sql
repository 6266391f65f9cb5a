-- Whose import it is: a newcomer's, or 'podmin'. Imports of earlier versions have none.
ALTER TABLE pappus_imports ADD COLUMN owner TEXT;

-- A newcomer's address is stored once, in the column that is encrypted.
UPDATE pappus_newcomers SET mail_to = email WHERE mail_to IS NULL AND email IS NOT NULL;
UPDATE pappus_newcomers SET email = NULL WHERE email IS NOT NULL;
