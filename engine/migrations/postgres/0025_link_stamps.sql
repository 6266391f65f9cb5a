-- A mailed link ends with the password, the second factor and the address it was sent for. Earlier ones are void:
-- they were good for an hour.
ALTER TABLE pappus_sign_in_links ADD COLUMN stamp TEXT;
