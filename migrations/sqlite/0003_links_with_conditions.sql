-- Links that end after so many downloads, and those that are bound to an access policy of the store's bucket.
ALTER TABLE link ADD COLUMN most_uses BIGINT;
ALTER TABLE link ADD COLUMN policy TEXT;
CREATE INDEX link_file ON link (store, name);
